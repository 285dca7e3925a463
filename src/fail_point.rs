//! Places where a test lets the program die, as if the power had failed just there. In debug builds
//! only: of a release build they are no part.
//!
//! The variable `FAILPOINTS` names one: `launch.before_commit`, or `record.after_commit=3` for the
//! third time that the program comes there.

/// A place where the program may be told to die; with a condition, only when that holds.
macro_rules! fail_point {
    ($name:literal) => {
        crate::fail_point::fail_point!($name, true)
    };
    ($name:literal, $when:expr) => {
        #[cfg(debug_assertions)]
        if $when {
            crate::fail_point::reach($name);
        }
    };
}
pub(crate) use fail_point;

/// Ends the process at once if this is the place: nothing is flushed, closed or rolled back.
#[cfg(debug_assertions)]
#[expect(
    clippy::disallowed_methods,
    reason = "an order to a test's server, and no setting of Muster"
)]
pub(crate) fn reach(name: &str) {
    static ORDER: std::sync::LazyLock<Option<Order>> = std::sync::LazyLock::new(|| {
        let text = std::env::var("FAILPOINTS").ok()?;
        Some(Order::read(&text))
    });
    if ORDER.as_ref().is_some_and(|order| order.is_due(name)) {
        std::process::abort();
    }
}

/// Where to die, and after how many times more.
#[cfg(debug_assertions)]
struct Order {
    name: String,
    left: std::sync::atomic::AtomicI64,
}

#[cfg(debug_assertions)]
impl Order {
    fn read(text: &str) -> Self {
        let (name, time) = text.split_once('=').unwrap_or((text, "1"));
        Self {
            name: name.to_owned(),
            left: time.parse().unwrap_or(1).into(),
        }
    }

    fn is_due(&self, name: &str) -> bool {
        let ordering = std::sync::atomic::Ordering::SeqCst;
        self.name == name && self.left.fetch_sub(1, ordering) == 1
    }
}

#[cfg(all(test, debug_assertions))]
mod tests {
    use super::*;

    #[test]
    fn the_third_time_is_neither_the_second_nor_the_fourth() {
        let order = Order::read("record.after_commit=3");
        let due = |name| order.is_due(name);
        assert!(!due("record.after_commit") && !due("launch.before_commit"));
        assert!(!due("record.after_commit") && due("record.after_commit"));
        assert!(!due("record.after_commit"));
    }

    #[test]
    fn without_a_number_the_first_time_is_meant() {
        assert!(Order::read("audit.before_commit").is_due("audit.before_commit"));
    }
}
