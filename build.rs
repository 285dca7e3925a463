//! Rebuilds when a migration or a shipped template is added: both are embedded.

fn main() {
    println!("cargo:rerun-if-changed=migrations");
    println!("cargo:rerun-if-changed=message-templates");
}
