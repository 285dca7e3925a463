//! The program `muster`: everything it does is in the library.

fn main() -> std::process::ExitCode {
    muster::cli::run()
}
