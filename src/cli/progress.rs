//! Shows how far a command is: a bar on a terminal, nothing where nobody looks.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A bar of so many people with one line of words below it; hidden unless stderr is a terminal.
pub(super) fn bar(people: u64) -> ProgressBar {
    let style =
        ProgressStyle::with_template("{bar:40.cyan/dim} {pos} of {len} people  {elapsed}\n{msg}")
            .expect("the template is fixed")
            .progress_chars("━━─");
    let bar = ProgressBar::with_draw_target(Some(people), ProgressDrawTarget::stderr());
    bar.with_style(style)
}

/// Says that something takes a moment; hidden unless stderr is a terminal.
pub(super) fn spinner(words: String) -> ProgressBar {
    let spinner = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    spinner.set_message(words);
    spinner.enable_steady_tick(Duration::from_millis(120));
    spinner
}
