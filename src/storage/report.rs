//! What a report counts beyond the live board.

use super::standing::people;
use super::{Conn, Error};
use crate::ids::AlertNumber;

/// People, those reached (a message arrived, or they answered) and those who answered, by category.
pub async fn by_category(
    on: impl Conn<'_>,
    alert: AlertNumber,
) -> Result<Vec<(String, i64, i64, i64)>, Error> {
    on.sql(
        people!(
            "SELECT category, count(*), count(CASE WHEN state IN ('acknowledged', 'delivered') THEN 1 END),
                    count(answered_at)
             FROM person GROUP BY category ORDER BY category"
        ),
    )
    .bind(alert)
    .fetch_all()
    .await
}

/// The same by site; people without one stand under an empty name.
pub async fn by_site(
    on: impl Conn<'_>,
    alert: AlertNumber,
) -> Result<Vec<(String, i64, i64, i64)>, Error> {
    on.sql(people!(
        "SELECT site, count(*), count(CASE WHEN state IN ('acknowledged', 'delivered') THEN 1 END),
                    count(answered_at)
             FROM person GROUP BY site ORDER BY site"
    ))
    .bind(alert)
    .fetch_all()
    .await
}
