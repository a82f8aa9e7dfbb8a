//! [`CeRoutes`]: routes of a CE that stand in a file of prefixes.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// Routes that come to a VRF from a CE whose configuration is not given: a file with a prefix a line, perhaps with its
/// next hop. Written `VRF=FILE`, or `ROUTER/VRF=FILE` where several routers have the VRF.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CeRoutes {
    /// The router; `None` is every one that has the VRF.
    pub router: Option<String>,
    /// The VRF.
    pub vrf: String,
    /// The file, as [`PrefixList::read`](vrfleak_bench_data::prefix_list::PrefixList::read) reads it.
    pub path: PathBuf,
}

impl FromStr for CeRoutes {
    type Err = ParseCeRoutesError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || ParseCeRoutesError { text: text.to_owned() };
        let (name, path) = text.split_once('=').ok_or_else(error)?;
        let (router, vrf) = match name.split_once('/') {
            Some((router, vrf)) => (Some(router), vrf),
            None => (None, name),
        };
        if router == Some("") || vrf.is_empty() || path.is_empty() {
            return Err(error());
        }
        Ok(Self { router: router.map(str::to_owned), vrf: vrf.to_owned(), path: PathBuf::from(path) })
    }
}

/// A text that does not say which VRF gets the routes of which file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseCeRoutesError {
    /// The text that was read.
    pub text: String,
}

impl fmt::Display for ParseCeRoutesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` names no file of routes, expected VRF=FILE or ROUTER/VRF=FILE", self.text)
    }
}

impl std::error::Error for ParseCeRoutesError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_router_may_stand_before_the_vrf() {
        let parsed = "pe1/red=a/b=c.txt".parse::<CeRoutes>().expect("a VRF and a file");
        assert_eq!((parsed.router.as_deref(), parsed.vrf.as_str()), (Some("pe1"), "red"));
        assert_eq!(parsed.path, PathBuf::from("a/b=c.txt"));
        assert_eq!("red=x".parse::<CeRoutes>().expect("a VRF and a file").router, None);
        for bad in ["", "red", "=x", "red=", "/red=x", "pe1/=x"] {
            let error = bad.parse::<CeRoutes>().expect_err("incomplete");
            assert!(error.to_string().starts_with(&format!("`{bad}`")), "{error}");
        }
    }
}
