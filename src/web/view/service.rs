//! How the service itself is, for whoever looks after it.

use askama::Template;

use super::{Act, Fact, Frame, Notice};

/// `/service`.
#[derive(Clone, Debug, Template)]
#[template(path = "service.html")]
pub struct Service {
    /// What surrounds the page.
    pub page: Frame,
    /// What is wrong, or that nothing is.
    pub state: Vec<Notice>,
    /// Says that a clock that jumped is right; none while it has not, or for whoever may not.
    pub settle: Option<Act>,
    /// Each gateway and how it fares.
    pub gateways: Vec<Fact>,
    /// Self-check, heartbeat, disk, clock.
    pub facts: Vec<Fact>,
    /// Each promise, and whether it was kept at the last look.
    pub promises: Vec<Fact>,
}
