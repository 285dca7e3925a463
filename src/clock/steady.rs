//! Keeps a jump of the machine's clock out of the time that everything is done by. Pure.

use std::time::Duration;

use super::Timestamp;

/// What moves further than this between two looks has not run but jumped.
const JUMP: i64 = 60_000;

/// The time that Muster goes by: the machine's, but for its jumps. A clock that is set forward by an
/// hour must not end every alert at once and begin every step, and one that is set back must not keep
/// messages waiting for an hour. So a jump is kept out, and told, until a person says that the new
/// time is right or the clock is set back to where it was.
///
/// Where several servers share a database they go by its clock: a server whose own differs would end
/// alerts that the others still carry out.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Steady {
    /// How far the machine's clock was ahead of its stopwatch at the last look, in milliseconds.
    skew: Option<i64>,
    /// How far the machine's clock is ahead of the time we go by.
    held: i64,
    /// Whether the database's clock was ever asked.
    agreed: bool,
    /// How far the database's clock has jumped ahead of the time we go by.
    database: i64,
    /// When a person last settled it, by the stopwatch.
    leapt: Option<Duration>,
}

impl Steady {
    /// The time to go by, when the machine's clock says `wall` and its stopwatch `elapsed`.
    pub(super) fn now(&mut self, wall: Timestamp, elapsed: Duration) -> Timestamp {
        let elapsed = i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX);
        let skew = wall.0.saturating_sub(elapsed);
        let moved = skew.saturating_sub(self.skew.unwrap_or(skew));
        self.skew = Some(skew);
        if is_jump(moved) {
            self.held = self.held.saturating_add(moved);
            if !self.agreed && !is_jump(self.held) {
                // It is back where it was, but for what a clock may be set by.
                self.held = 0;
            }
        }
        Timestamp(wall.0.saturating_sub(self.held))
    }

    /// Goes by the database's clock, which said `theirs` when ours said `ours`. A jump of that one is
    /// kept out just the same.
    pub(super) fn follow(&mut self, theirs: Timestamp, ours: Timestamp) {
        let ahead = ours.0.saturating_sub(theirs.0);
        if self.agreed && is_jump(ahead) {
            self.database = ahead.saturating_neg();
            return;
        }
        self.held = self.held.saturating_add(ahead);
        self.agreed = true;
        self.database = 0;
    }

    /// How far a clock is from the time that we go by, in milliseconds: positive is ahead. Zero unless
    /// that is worth an alarm.
    pub(super) fn off(&self) -> i64 {
        let off = if is_jump(self.database) {
            self.database
        } else {
            self.held
        };
        if is_jump(off) { off } else { 0 }
    }

    /// How far the clock that we go by has jumped, as far as a person may say that it is right: the
    /// database's once we follow that, else the machine's. Zero if it has not.
    pub(super) fn leap(&self) -> i64 {
        let leap = if self.agreed {
            self.database
        } else {
            self.held
        };
        if is_jump(leap) { leap } else { 0 }
    }

    /// A person says at `elapsed` that the clock that we go by is right as it is now.
    pub(super) fn settle(&mut self, elapsed: Duration) {
        let leap = self.leap();
        if leap == 0 {
            return;
        }
        self.held = self.held.saturating_sub(leap);
        self.database = 0;
        self.leapt = Some(elapsed);
    }

    /// When that was last.
    pub(super) fn leapt_at(&self) -> Option<Duration> {
        self.leapt
    }
}

fn is_jump(millis: i64) -> bool {
    millis.saturating_abs() > JUMP
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000;

    /// A machine whose clock can be set.
    #[derive(Default)]
    struct Machine {
        steady: Steady,
        wall: i64,
        elapsed: u64,
    }

    impl Machine {
        fn runs(&mut self, millis: u32) -> i64 {
            self.wall += i64::from(millis);
            self.elapsed += u64::from(millis);
            self.now()
        }

        fn set(&mut self, by: i64) -> i64 {
            self.wall += by;
            self.now()
        }

        fn now(&mut self) -> i64 {
            let elapsed = Duration::from_millis(self.elapsed);
            self.steady.now(Timestamp(self.wall), elapsed).0
        }
    }

    #[test]
    fn a_clock_that_runs_is_followed_and_so_is_one_that_is_set_a_little() {
        let mut machine = Machine::default();
        assert_eq!(machine.now(), 0);
        assert_eq!(machine.runs(500), 500);
        assert_eq!(machine.set(-300), 200);
        assert_eq!(machine.set(59_000), 59_200);
        assert_eq!(machine.steady.off(), 0);
    }

    #[test]
    fn a_jump_ahead_and_one_back_are_kept_out_and_told() {
        for jump in [HOUR, -HOUR, 24 * HOUR, -61_000] {
            let mut machine = Machine::default();
            machine.runs(1_000);
            assert_eq!(machine.set(jump), 1_000, "{jump}");
            assert_eq!(machine.runs(1_000), 2_000);
            assert_eq!(machine.steady.off(), jump);
        }
    }

    #[test]
    fn the_alarm_ends_when_the_clock_is_set_right_or_a_person_says_so() {
        let mut machine = Machine::default();
        machine.runs(1_000);
        machine.set(HOUR);
        assert_eq!(machine.set(-HOUR + 20), 1_020);
        assert_eq!(machine.steady.off(), 0);

        machine.set(HOUR);
        machine.steady.settle(Duration::ZERO);
        assert_eq!(machine.now(), 1_020 + HOUR);
        assert_eq!(machine.steady.off(), 0);
        assert_eq!(machine.runs(1_000), 2_020 + HOUR);
    }

    #[test]
    fn servers_whose_clocks_differ_go_by_the_databases() {
        let mut behind = Machine::default();
        let mut ahead = Machine::default();
        ahead.set(90_000);
        behind.steady.follow(Timestamp(5_000), Timestamp(0));
        ahead.steady.follow(Timestamp(5_000), Timestamp(90_000));
        assert_eq!((behind.runs(10), ahead.runs(10)), (5_010, 5_010));
        // It is told of the one that would matter without this.
        assert_eq!((behind.steady.off(), ahead.steady.off()), (0, 85_000));
    }

    #[test]
    fn a_jump_of_the_databases_clock_is_kept_out_until_a_person_says_so() {
        let mut machine = Machine::default();
        machine.steady.follow(Timestamp(100), Timestamp(0));
        machine.steady.follow(Timestamp(100 + HOUR), Timestamp(100));
        assert_eq!((machine.now(), machine.steady.off()), (100, HOUR));
        assert_eq!(machine.steady.leap(), HOUR);
        machine.steady.settle(Duration::ZERO);
        // The machine's own is an hour behind now, and that is told.
        assert_eq!(
            (machine.now(), machine.steady.off()),
            (100 + HOUR, -HOUR - 100)
        );
        machine
            .steady
            .follow(Timestamp(100 + HOUR), Timestamp(100 + HOUR));
        assert_eq!(machine.steady.database, 0);
    }

    #[test]
    fn a_wrong_clock_beside_a_database_is_told_and_never_settled() {
        let mut machine = Machine::default();
        assert_eq!(machine.now(), 0);
        machine.steady.follow(Timestamp(0), Timestamp(0));
        machine.set(HOUR);
        machine.steady.settle(Duration::ZERO);
        assert_eq!((machine.now(), machine.steady.off()), (0, HOUR));
        assert_eq!(
            (machine.steady.leap(), machine.steady.leapt_at()),
            (0, None)
        );
        // Both at once: the database's time is taken over, and ours stays wrong by the rest.
        machine.steady.follow(Timestamp(2 * HOUR), Timestamp(0));
        machine.steady.settle(Duration::from_secs(7));
        assert_eq!((machine.now(), machine.steady.off()), (2 * HOUR, -HOUR));
        assert_eq!(machine.steady.leapt_at(), Some(Duration::from_secs(7)));
    }

    #[test]
    fn a_sleep_of_the_machine_is_time_that_passed_and_no_jump() {
        let mut machine = Machine::default();
        machine.runs(1_000);
        assert_eq!(machine.runs(8 * 3_600_000), 1_000 + 8 * HOUR);
        assert_eq!(machine.steady.off(), 0);
    }
}
