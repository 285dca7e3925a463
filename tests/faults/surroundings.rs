//! F9, F11 to F14, F19 and F21: clocks, disks, files, memory and storms.

mod clocks;
mod disk;
mod files;
mod look;
mod lost;
mod program;
mod storms;
