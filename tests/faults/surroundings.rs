//! F9, F11 to F14, F19 and F21: clocks, disks, files, memory and storms.
