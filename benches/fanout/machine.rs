//! Reads what the system says of processes and of the disk (Linux; elsewhere the figures are zero).

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::time::Instant;

use crate::sink::micros;

/// Microseconds in one tick of the process accounting: Linux counts a hundred a second for programs.
const TICK_US: u64 = 10_000;

/// The most memory that this process ever held, in KiB.
pub(crate) fn peak_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .unwrap_or_default();
    line.trim()
        .trim_end_matches(" kB")
        .parse()
        .unwrap_or_default()
}

/// Processor time that this process has used, in microseconds.
pub(crate) fn own_cpu_us() -> u64 {
    cpu_and_parent("self").map_or(0, |(cpu, _)| cpu)
}

/// Processor time that a server's living child processes have used, in microseconds.
pub(crate) fn children_cpu_us(server: u32) -> u64 {
    let Ok(processes) = fs::read_dir("/proc") else {
        return 0;
    };
    processes
        .flatten()
        .filter_map(|entry| cpu_and_parent(entry.file_name().to_str()?))
        .filter(|(_, parent)| *parent == server)
        .map(|(cpu, _)| cpu)
        .sum()
}

fn cpu_and_parent(process: &str) -> Option<(u64, u32)> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name may hold anything; the fields behind it begin with the state.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |index: usize| fields.get(index)?.parse::<u64>().ok();
    Some((
        (ticks(11)? + ticks(12)?) * TICK_US,
        fields.get(1)?.parse().ok()?,
    ))
}

/// How long the disk below `folder` takes to make one small write durable, in microseconds.
pub(crate) fn sync_us(folder: &Path) -> anyhow::Result<u64> {
    let mut file = tempfile::tempfile_in(folder)?;
    let mut took = Vec::new();
    for _ in 0..101 {
        let begun = Instant::now();
        file.write_all(&[7; 8192])?;
        file.sync_data()?;
        took.push(micros(begun.elapsed()));
    }
    took.sort_unstable();
    Ok(took[took.len() / 2])
}

/// Processors, and how busy they have been in the last minute.
pub(crate) fn load() -> (usize, String) {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    (
        processors,
        load.split_whitespace()
            .next()
            .unwrap_or("unknown")
            .to_owned(),
    )
}
