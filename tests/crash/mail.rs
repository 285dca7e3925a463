//! The gateway as a mail server: as plain as one can be, and it has every mail on disk before its 250.

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

use crate::book::Desk;
use crate::gateway::Gateway;

impl Gateway {
    /// Answers until the end of the process.
    pub async fn serve_mail(self, listener: TcpListener) {
        while let Ok((stream, _)) = listener.accept().await {
            let gateway = self.clone();
            // A client that is killed breaks off: that is its own affair.
            tokio::spawn(async move { gateway.talk(stream).await.ok() });
        }
    }

    async fn talk(self, stream: TcpStream) -> std::io::Result<()> {
        let mut wire = BufReader::new(stream);
        let mut to = String::new();
        wire.write_all(b"220 mail.clinic.example\r\n").await?;
        while let Some(line) = line(&mut wire).await? {
            let word = line.get(..4).unwrap_or_default().to_ascii_uppercase();
            let reply = match word.as_str() {
                "RCPT" => {
                    let address = line.split(['<', '>']).nth(1);
                    address.unwrap_or_default().clone_into(&mut to);
                    "250 yes"
                }
                "DATA" => {
                    wire.write_all(b"354 go on\r\n").await?;
                    // Cut off before its last line it is no mail.
                    let Some(mail) = mail(&mut wire).await? else {
                        break;
                    };
                    self.clone().take(Desk::Mail, to.clone(), mail, None).await;
                    "250 taken"
                }
                "QUIT" => break,
                _ => "250 yes",
            };
            wire.write_all(format!("{reply}\r\n").as_bytes()).await?;
        }
        Ok(())
    }
}

/// The next whole line without its end; none once the client is gone.
async fn line(wire: &mut BufReader<TcpStream>) -> std::io::Result<Option<String>> {
    let mut line = String::new();
    wire.read_line(&mut line).await?;
    Ok(line.strip_suffix("\r\n").map(str::to_owned))
}

/// Everything up to the line with the one dot.
async fn mail(wire: &mut BufReader<TcpStream>) -> std::io::Result<Option<String>> {
    let mut mail = String::new();
    while let Some(line) = line(wire).await? {
        if line == "." {
            return Ok(Some(mail));
        }
        mail.push_str(&line);
        mail.push('\n');
    }
    Ok(None)
}
