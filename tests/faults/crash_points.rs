//! C0 to C13: the program dies at one exact point, is started again, and finishes.
