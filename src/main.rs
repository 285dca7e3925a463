//! The program `muster`: everything it does is in the library.

/// A fan-out makes and drops dozens of small things for each message, on several threads: a sixth of
/// its processor time went into the system's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    muster::cli::run()
}
