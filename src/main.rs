//! The `hookgate` command; all of it is in [`hookgate::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    hookgate::cli::main(std::env::args_os()).into()
}
