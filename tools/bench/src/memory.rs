//! What memory there is, and what this process has of it, where the system tells (Linux).

use std::fs;
use std::path::Path;

use crate::machine::field_number;

/// Returns the bytes that are free for this process to take: what the machine has (`MemAvailable`), and what the control
/// groups of the process leave it, whichever is less.
pub fn available_bytes() -> Option<u64> {
    let memory = fs::read_to_string("/proc/meminfo").ok()?;
    let machine = Some(field_number(&memory, "MemAvailable") * 1024).filter(|&bytes| bytes > 0);
    let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    [machine, left_by_groups(Path::new("/sys/fs/cgroup"), &groups)].into_iter().flatten().min()
}

/// Returns the bytes of memory that this process holds now (`VmRSS`).
pub fn resident_bytes() -> Option<u64> {
    of_this_process("VmRSS")
}

/// Returns the most bytes of memory that this process has held (`VmHWM`).
pub fn peak_resident_bytes() -> Option<u64> {
    of_this_process("VmHWM")
}

fn of_this_process(field: &str) -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    Some(field_number(&status, field) * 1024).filter(|&bytes| bytes > 0)
}

/// Returns the least that the control groups named in `groups`, the text of `/proc/self/cgroup`, and those above them
/// leave; `None` where none has a limit.
///
/// Version 2 has one tree with `memory.max`, version 1 one for memory with `memory.limit_in_bytes`. In a container the
/// own group is often the root of what is mounted, whatever its name, so the root is looked at in any case.
fn left_by_groups(root: &Path, groups: &str) -> Option<u64> {
    let mut least = None;
    for line in groups.lines() {
        let mut fields = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (fields.next(), fields.next()) else { continue };
        let (root, files) = if controllers.is_empty() {
            (root.to_owned(), ["memory.max", "memory.current"])
        } else if controllers.split(',').any(|controller| controller == "memory") {
            (root.join("memory"), ["memory.limit_in_bytes", "memory.usage_in_bytes"])
        } else {
            continue;
        };
        let below = Path::new(path.trim_start_matches('/')).ancestors();
        let left = below.filter_map(|group| left_by(&root.join(group), files));
        least = least.into_iter().chain(left).min();
    }
    least
}

/// Returns what one group leaves, counting file pages that have not been used for a while as free, as the system does.
fn left_by(group: &Path, [limit, usage]: [&str; 2]) -> Option<u64> {
    let number = |file: &str| fs::read_to_string(group.join(file)).ok()?.trim().parse::<u64>().ok();
    let stat = fs::read_to_string(group.join("memory.stat")).unwrap_or_default();
    let inactive = stat.lines().find_map(|line| line.strip_prefix("inactive_file ")?.trim().parse::<u64>().ok());
    let used = number(usage)?.saturating_sub(inactive.unwrap_or(0));
    Some(number(limit)?.saturating_sub(used))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tightest_group_counts() {
        let folder = tempfile::tempdir().expect("a folder");
        let write = |path: &str, text: &str| {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            fs::write(path, text).expect("written");
        };
        assert_eq!(left_by_groups(folder.path(), "0::/a/b\n"), None);
        write("memory.max", "max\n");
        write("memory.current", "5000\n");
        assert_eq!(left_by_groups(folder.path(), "0::/a/b\n"), None);
        write("a/memory.max", "9000\n");
        write("a/memory.current", "5000\n");
        write("a/memory.stat", "anon 1\ninactive_file 1000\n");
        assert_eq!(left_by_groups(folder.path(), "0::/a/b\n"), Some(5000));
        write("a/b/memory.max", "4100\n");
        write("a/b/memory.current", "4000\n");
        assert_eq!(left_by_groups(folder.path(), "0::/a/b\n"), Some(100));
        write("memory/memory.limit_in_bytes", "50\n");
        write("memory/memory.usage_in_bytes", "60\n");
        assert_eq!(left_by_groups(folder.path(), "3:cpu:/\n2:cpuset,memory:/docker\n0::/a/b\n"), Some(0));
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn the_system_tells() {
        let [available, now, peak] =
            [available_bytes(), resident_bytes(), peak_resident_bytes()].map(Option::unwrap_or_default);
        assert!(available > 0 && now > 0 && peak >= now / 2, "{available} {now} {peak}");
    }
}
