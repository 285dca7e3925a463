//! F22 to F26 and F28: what people do wrong, twice, late or all at once.
