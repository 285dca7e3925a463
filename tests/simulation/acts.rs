//! What people do: they answer by link and by text, managers launch, stop, remind and follow up.

use std::time::Duration;

use muster::alert::follow_up::{self, FollowUpRequest};
use muster::alert::launch::RequestKey;
use muster::alert::words::{AlertKind, Mode};
use muster::alert::{LaunchRequest, Refusal};
use muster::app::App;
use muster::audit::Actor;
use muster::ids::AlertId;
use muster::response::{self, Answered, OnBehalf};
use muster::storage::responses::Via;

use crate::gateway::TOKEN;
use crate::node::Work;
use crate::world::World;

/// A launch that somebody asks for until they know that it is on disk.
#[derive(Clone)]
pub struct Launching {
    pub request: LaunchRequest,
    /// What they were told.
    pub told: Option<AlertId>,
}

impl World {
    /// A server that people can reach.
    pub fn some_open(&mut self) -> Option<(usize, App)> {
        let open: Vec<(usize, App)> = self
            .nodes
            .iter()
            .enumerate()
            .filter_map(|(index, node)| Some((index, node.open()?)))
            .collect();
        self.dice.pick(&open)
    }

    /// Someone asks for an alert, or asks again for one of which they heard nothing.
    pub async fn launch(&mut self) -> Result<(), String> {
        let waiting = self.launches.iter().position(|one| one.told.is_none());
        let again = self.dice.percent(20) && !self.launches.is_empty();
        let index = match waiting {
            Some(index) => index,
            None if again => self.dice.below(self.launches.len()),
            None if self.launches.len() < 2 => {
                let request = self.request();
                self.launches.push(Launching {
                    request,
                    told: None,
                });
                self.launches.len() - 1
            }
            None => return Ok(()),
        };
        let Some((node, app)) = self.some_open() else {
            return Ok(());
        };
        let request = self.launches[index].request.clone();
        let what = format!("launch {index}: {} {}", request.template, request.mode);
        let launching = async move {
            let launched = muster::alert::launch(&app, request).await;
            World::afterwards(move |world| match launched {
                Ok(launched) => world.launched(index, launched.alert.id),
                Err(refusal) => world.no_wrong_refusal(refusal),
            })
        };
        self.work(node, &what, launching).await
    }

    fn launched(&mut self, index: usize, id: AlertId) -> Result<(), String> {
        self.count("launches");
        let told = self.launches[index].told.get_or_insert(id);
        if *told != id {
            return Err("one key made two alerts".to_owned());
        }
        Ok(())
    }

    fn no_wrong_refusal(&mut self, refusal: Refusal) -> Result<(), String> {
        match refusal {
            Refusal::Storage(error) => self.no_defect(Some(error)),
            refusal => {
                self.note(format!("refused: {refusal}"));
                Ok(())
            }
        }
    }

    fn request(&mut self) -> LaunchRequest {
        let number = self.launches.len();
        let is_danger = self.dice.percent(60);
        LaunchRequest {
            template: if is_danger { "danger" } else { "news" }.to_owned(),
            mode: if self.dice.percent(25) {
                Mode::Exercise
            } else {
                Mode::Actual
            },
            groups: vec!["everyone".to_owned()],
            contacts: Vec::new(),
            variables: [].into(),
            plan: self.dice.percent(30).then(|| "all-at-once".to_owned()),
            expires_in: Some(if self.dice.percent(40) {
                self.dice.millis(20_000, 120_000)
            } else {
                self.dice.millis(120_000, 1_200_000)
            }),
            call_out: None,
            warn_of_similar: false,
            hold: Duration::from_secs(if self.dice.percent(30) { 5 } else { 0 }),
            composed_at: None,
            actor: Actor::user("manager"),
            key: Some(RequestKey {
                scope: "simulation".to_owned(),
                key: number.to_string(),
                request_hash: number.to_string(),
            }),
        }
    }

    /// A manager does something about an alert.
    pub async fn manage(&mut self) -> Result<(), String> {
        let alerts = crate::model::ids(&self.model.seen);
        let (Some((id, number)), Some((node, app))) = (self.dice.pick(&alerts), self.some_open())
        else {
            return Ok(());
        };
        let actor = Actor::user("manager");
        let act = self.dice.below(5);
        let kind = if act == 3 {
            AlertKind::Update
        } else {
            AlertKind::AllClear
        };
        let what = ["stops", "reminders", "reminders", "updates", "all-clears"][act];
        let acting = async move {
            let done = match act {
                0 => follow_up::stop(&app, id, actor).await.map(|_| ()),
                1 | 2 => follow_up::remind(&app, id, actor).await,
                _ => {
                    let request = FollowUpRequest {
                        alert: id,
                        kind,
                        template: None,
                        variables: [].into(),
                        hold: Duration::ZERO,
                        composed_at: None,
                        actor,
                    };
                    follow_up::follow_up(&app, request).await.map(|_| ())
                }
            };
            World::afterwards(move |world| match done {
                Ok(()) => {
                    world.count(what);
                    Ok(())
                }
                Err(refusal) => world.no_wrong_refusal(refusal),
            })
        };
        self.work(node, &format!("{what}: alert {number}"), acting)
            .await
    }

    /// Someone answers by the link of a message that came to them.
    pub async fn answer_by_link(&mut self) -> Result<(), String> {
        let (Some(copy), Some((node, app))) = (self.dice.pick(&self.model.book), self.some_open())
        else {
            return Ok(());
        };
        let answer = ["safe", "help", "read"][self.dice.below(3)];
        // A server writes down one batch of answers by link after the other.
        let is_answer = |work: &Work| work.node == node && work.what.starts_with("link");
        if self.works.values().any(is_answer) {
            return Ok(());
        }
        let what = format!("link of {:?}: {answer}", copy.what);
        let via = if copy.to.contains('@') {
            Via::Email
        } else {
            Via::Link
        };
        *self.model.tried_to_answer.entry(via).or_default() += 1;
        let answering = async move {
            let answered = response::link(&app, &copy.token, answer, None).await;
            World::afterwards(move |world| match answered.map(|given| given.answered) {
                Ok(Answered::Recorded(response)) => {
                    world.model.promised.insert(response.id);
                    world.count("answers by link");
                    Ok(())
                }
                Ok(Answered::NotOffered) => Ok(()),
                Ok(Answered::UnknownLink) => Err("a link that was sent is unknown".to_owned()),
                Err(error) => world.no_defect(Some(error)),
            })
        };
        self.work(node, &what, answering).await
    }

    /// Someone answers by a text; the provider may bring it twice.
    pub async fn answer_by_text(&mut self) -> Result<(), String> {
        let Some(copy) = self.dice.pick(&self.model.book) else {
            return Ok(());
        };
        if copy.to.contains('@') {
            return Ok(());
        }
        let text = ["1", "1", "2", "hello", "STOP", "start"][self.dice.below(6)];
        let id = format!("r{}", self.dice.below(12));
        let query = vec![
            ("token", TOKEN.to_owned()),
            ("from", copy.to.clone()),
            ("text", text.to_owned()),
            ("id", id.clone()),
        ];
        if self.model.texted.insert((copy.gateway, id)) {
            *self.model.tried_to_answer.entry(Via::Sms).or_default() += 1;
        }
        self.call_back(copy.gateway, query, false).await
    }

    /// A manager enters an answer that someone gave by word of mouth.
    pub async fn answer_on_behalf(&mut self) -> Result<(), String> {
        let people: Vec<_> = self.model.seen.people.keys().copied().collect();
        let (Some(recipient), Some((node, app))) = (self.dice.pick(&people), self.some_open())
        else {
            return Ok(());
        };
        let entered = OnBehalf {
            recipient,
            answer: ["safe", "read"][self.dice.below(2)].to_owned(),
            via: Via::Manager,
            actor: Actor::user("manager"),
            note: None,
        };
        *self.model.tried_to_answer.entry(Via::Manager).or_default() += 1;
        let entering = async move {
            let done = response::on_behalf(&app, entered).await;
            World::afterwards(move |world| match done {
                Ok(response) => {
                    world.model.promised.insert(response.id);
                    Ok(())
                }
                Err(refusal) => world.no_wrong_refusal(refusal),
            })
        };
        self.work(node, &format!("on behalf of {recipient}"), entering)
            .await
    }
}
