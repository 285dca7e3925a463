//! Decides which of a channel's gateways may take up which messages.

use crate::alert::words::Mode;
use crate::app::App;
use crate::channel::Configured;
use crate::storage::deliveries::{May, Share};

/// What one gateway may take up now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Choice {
    /// Of live messages.
    pub actual: May,
    /// Of drills; none if it is not marked for them.
    pub exercise: Option<May>,
    /// Which part of what nobody tried yet.
    pub share: Share,
}

/// What this gateway may take up, as the others of its channel stand now.
pub fn choose(app: &App, gateway: &Configured) -> Choice {
    let exercises = gateway.common.exercises;
    Choice {
        actual: may(app, gateway, Mode::Actual),
        exercise: exercises.then(|| may(app, gateway, Mode::Exercise)),
        share: share(app, gateway),
    }
}

/// The other gateways that carry this one's channel in this mode.
pub fn others<'a>(
    app: &'a App,
    gateway: &'a Configured,
    mode: Mode,
) -> impl Iterator<Item = &'a Configured> {
    let common = &gateway.common;
    app.gateways.iter().filter(move |other| {
        other.common.channel == common.channel
            && other.common.name != common.name
            && (mode == Mode::Actual || other.common.exercises)
    })
}

fn is_down(app: &App, gateway: &Configured) -> bool {
    app.health[&gateway.common.name].is_down()
}

/// What nobody tried yet unless a gateway that comes before it works; what it failed at itself only
/// if no other gateway works.
fn may(app: &App, gateway: &Configured, mode: Mode) -> May {
    let mut may = May {
        fresh: true,
        own: true,
    };
    for other in others(app, gateway, mode) {
        if !is_down(app, other) {
            may.own = false;
            may.fresh &= other.common.priority >= gateway.common.priority;
        }
    }
    may
}

/// Its part among the working gateways of its channel and priority, if any of them has a weight;
/// one without counts as 1.
fn share(app: &App, gateway: &Configured) -> Share {
    let common = &gateway.common;
    let peers = || {
        app.gateways.iter().filter(|peer| {
            peer.common.channel == common.channel
                && peer.common.priority == common.priority
                && (peer.common.name == common.name || !is_down(app, peer))
        })
    };
    if peers().all(|peer| peer.common.weight.is_none()) {
        return Share::ALL;
    }
    let mut share = Share {
        from: 0,
        to: 0,
        of: 0,
    };
    for peer in peers() {
        let weight = i64::from(peer.common.weight.unwrap_or(1));
        if peer.common.name == common.name {
            (share.from, share.to) = (share.of, share.of + weight);
        }
        share.of += weight;
    }
    share
}
