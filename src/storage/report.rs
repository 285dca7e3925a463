//! What a report counts beyond the live board.

use super::{Conn, Error};
use crate::ids::AlertNumber;

/// People, those reached (a message arrived, or they answered) and those who answered, by category.
pub async fn by_category(
    on: impl Conn<'_>,
    alert: AlertNumber,
) -> Result<Vec<(String, i64, i64, i64)>, Error> {
    on.sql(
        "SELECT category, count(*),
                count(CASE WHEN answered_at IS NOT NULL OR arrived IS NOT NULL THEN 1 END),
                count(answered_at)
         FROM (SELECT recipient.category, recipient.answered_at,
                      (SELECT min(delivery.delivered_at) FROM delivery
                       WHERE delivery.alert = $1 AND delivery.recipient = recipient.id) AS arrived
               FROM recipient WHERE recipient.alert = $1) AS person
         GROUP BY category ORDER BY category",
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
    on.sql(
        "SELECT site, count(*),
                count(CASE WHEN answered_at IS NOT NULL OR arrived IS NOT NULL THEN 1 END),
                count(answered_at)
         FROM (SELECT recipient.site, recipient.answered_at,
                      (SELECT min(delivery.delivered_at) FROM delivery
                       WHERE delivery.alert = $1 AND delivery.recipient = recipient.id) AS arrived
               FROM recipient WHERE recipient.alert = $1) AS person
         GROUP BY site ORDER BY site",
    )
    .bind(alert)
    .fetch_all()
    .await
}
