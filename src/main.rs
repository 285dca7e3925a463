//! The program `muster`: everything it does is in the library.

/// A fan-out makes and drops dozens of small things for each message; this takes a tenth off its
/// processor time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    muster::cli::run()
}
