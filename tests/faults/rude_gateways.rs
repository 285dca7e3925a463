//! F1 to F8, F10 and F27: gateways that refuse, hang, lie or fall silent.
