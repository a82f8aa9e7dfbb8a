//! The files of FRR's daemons: those of one folder are the configuration of one router.

use std::path::Path;

use vrfleak_bench_data::SourceText;

use crate::dialect::Format;

/// The daemons with a file of their own, in the order in which their files are read: what makes interfaces and VRFs
/// comes first.
const DAEMONS: [&str; 21] = [
    "zebra", "mgmtd", "staticd", "frr", "vtysh", "bgpd", "ospfd", "ospf6d", "isisd", "ripd", "ripngd", "eigrpd",
    "babeld", "pimd", "pim6d", "ldpd", "nhrpd", "vrrpd", "pbrd", "bfdd", "pathd",
];

/// Returns the folder and the stem of a file's name: `r1` and `bgpd` of `lab/r1/bgpd.conf`.
fn parts(name: &str) -> (&str, &str) {
    let (folder, file) = match name.rsplit_once(['/', '\\']) {
        Some((path, file)) => (path.rsplit(['/', '\\']).next().unwrap_or(path), file),
        None => ("", name),
    };
    (folder, file.split_once('.').map_or(file, |(stem, _)| stem))
}

/// Returns the position of a daemon's file among all, `None` for another file.
fn rank(name: &str) -> Option<usize> {
    let extension = Path::new(name).extension().is_some_and(|extension| extension == "conf");
    let (_, stem) = parts(name);
    DAEMONS.iter().position(|daemon| extension && *daemon == stem)
}

/// Returns whether the file is named after a daemon of FRR.
pub(crate) fn is_daemon_file(name: &str) -> bool {
    rank(name).is_some()
}

/// Returns the name that a file gives to a router that names itself nowhere: its own without the ending or, where that
/// says only what is in it, that of its folder.
pub(crate) fn router_name(name: &str) -> &str {
    let (folder, stem) = parts(name);
    let lower = stem.to_ascii_lowercase().replace(['-', '_', ' '], "");
    let says_nothing = is_daemon_file(name)
        || matches!(&*lower, "config" | "configuration" | "startup" | "startupconfig" | "runningconfig" | "juniper")
        || lower.starts_with("showrun")
        || lower.starts_with("showconf");
    if says_nothing && !matches!(folder, "" | "." | "..") { folder } else { stem }
}

/// Returns the positions of the texts by router: one each, or those of several FRR daemons in one folder. A text without
/// a format is left out.
pub(crate) fn by_router(sources: &[SourceText], formats: &[Option<Format>]) -> Vec<Vec<usize>> {
    let mut routers: Vec<Vec<usize>> = Vec::new();
    let mut folders: ahash::AHashMap<&str, usize> = ahash::AHashMap::new();
    for (at, (source, &format)) in sources.iter().zip(formats).enumerate() {
        let folder = match source.name().rsplit_once(['/', '\\']) {
            Some((folder, _)) => folder,
            None => "",
        };
        let Some(format) = format else { continue };
        if format != Format::Frr || !is_daemon_file(source.name()) {
            routers.push(vec![at]);
        } else if let Some(&router) = folders.get(folder) {
            routers[router].push(at);
        } else {
            folders.insert(folder, routers.len());
            routers.push(vec![at]);
        }
    }
    for files in &mut routers {
        files.sort_by_key(|&at| rank(sources[at].name()));
    }
    routers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_say_nothing_are_named_by_their_folder() {
        for (file, name) in [
            ("lab/r1/bgpd.conf", "r1"),
            ("bgpd.conf", "bgpd"),
            ("lab/r1/frr.conf", "r1"),
            ("lab/pe1.cfg", "pe1"),
            ("configs/pe1/show_running-config.txt", "pe1"),
            ("pe1/config.boot", "pe1"),
            ("./frr.conf", "frr"),
        ] {
            assert_eq!(router_name(file), name, "{file}");
        }
    }

    #[test]
    fn the_files_of_one_folder_are_one_router() {
        let names = ["a/bgpd.conf", "a/zebra.conf", "b/bgpd.conf", "b/pe.conf", "a/staticd.conf"];
        let sources = names.map(|name| SourceText::new(name, ""));
        let mut formats = [Some(Format::Frr); 5];
        assert_eq!(by_router(&sources, &formats), [vec![1, 4, 0], vec![2], vec![3]]);
        formats[1] = Some(Format::Ios);
        assert_eq!(by_router(&sources, &formats), [vec![4, 0], vec![1], vec![2], vec![3]]);
    }
}
