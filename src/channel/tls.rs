//! Says which certificates gateways are believed with: the public authorities, and the clinic's own.

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

use super::kinds::OpenError;

/// The TLS settings of one gateway. The list of public authorities is the program's own, so that a
/// machine without any certificates installed still checks; `ca_file` (PEM, one or more
/// certificates) adds the authority of an in-house server. There is no way to turn checking off.
pub(crate) fn client_config(ca_file: Option<&Path>) -> Result<ClientConfig, OpenError> {
    let mut roots = RootCertStore {
        roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
    };
    if let Some(path) = ca_file {
        add_file(&mut roots, path)?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| OpenError::new("tls_ca_file", format!("TLS cannot start: {error}")))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(config)
}

fn add_file(roots: &mut RootCertStore, path: &Path) -> Result<(), OpenError> {
    let refuse = |why: String| {
        OpenError::new(
            "tls_ca_file",
            format!("\"tls_ca_file\" ({}) {why}", path.display()),
        )
    };
    let certificates = CertificateDer::pem_file_iter(path)
        .map_err(|error| refuse(format!("cannot be read: {error}")))?;
    let mut found = false;
    for certificate in certificates {
        let certificate = certificate.map_err(|error| refuse(format!("is no PEM: {error}")))?;
        roots
            .add(certificate)
            .map_err(|error| refuse(format!("is not usable: {error}")))?;
        found = true;
    }
    if found {
        Ok(())
    } else {
        Err(refuse("holds no certificate".to_owned()))
    }
}

/// A server's side for the tests, with a certificate for `localhost` and `127.0.0.1` that only
/// `tls/fixture/authority.pem` vouches for. The key is in the repository and protects nothing.
#[cfg(test)]
pub(crate) mod tests {
    use rustls::pki_types::PrivateKeyDer;

    use super::*;

    pub(crate) const AUTHORITY: &str = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/src/channel/tls/fixture/authority.pem"
    );

    pub(crate) fn acceptor() -> tokio_rustls::TlsAcceptor {
        let certificate = include_bytes!("tls/fixture/server.pem");
        let key = include_bytes!("tls/fixture/server.key");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![CertificateDer::from_pem_slice(certificate).unwrap()],
                PrivateKeyDer::from_pem_slice(key).unwrap(),
            )
            .unwrap();
        Arc::new(config).into()
    }

    #[test]
    fn a_file_that_is_missing_empty_or_no_certificate_is_named() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let refused = |path: &Path| client_config(Some(path)).unwrap_err().message;
        assert!(refused(Path::new("/nowhere.pem")).contains("(/nowhere.pem) cannot be read"));
        assert!(refused(file.path()).ends_with("holds no certificate"));
        std::fs::write(
            file.path(),
            "-----BEGIN CERTIFICATE-----\n????\n-----END CERTIFICATE-----\n",
        )
        .unwrap();
        assert!(refused(file.path()).contains("is no PEM"));
        assert!(client_config(Some(Path::new(AUTHORITY))).is_ok());
    }
}
