//! Gives a checked document its meaning: names become ids, texts become prefixes, RDs and targets.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::net::IpAddr;
use std::ops::Range;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use ahash::AHashMap;
use vrfleak_engine::{
    InterfaceId, Ipv4Prefix, Ipv6Prefix, Network, NetworkBuilder, NextHopId, ParsePrefixError, Resolution, RouterId,
    VrfId,
};

use super::Inputs;
use super::check::nearest;
use super::document::{Document, Key};
use crate::diagnostic::{Diagnostic, Diagnostics, KEPT, Severity};
use crate::place::Place;
use crate::prefix_list::PrefixList;
use crate::provenance::Provenance;
use crate::source_text::SourceText;

pub(super) type Span = Range<usize>;

/// Returns the network of `document` and where its parts stand, or `None` if the model refuses it; what is wrong is in `diagnostics`.
///
/// `lenient` says that lines were lost to syntax errors, so that a name may be missing without being wrong.
pub(super) fn build(
    document: &Document,
    source: &SourceText,
    inputs: &Inputs,
    lenient: bool,
    diagnostics: &mut Diagnostics,
) -> Option<(Network, Provenance)> {
    let mut build = Build {
        source,
        inputs,
        lenient,
        diagnostics,
        builder: NetworkBuilder::default(),
        routers: AHashMap::new(),
        vrfs: AHashMap::new(),
        interfaces: AHashMap::new(),
        vrfs_of: AHashMap::new(),
        provenance: Provenance::default(),
        gateways: Vec::new(),
        lists: AHashMap::new(),
        named: BTreeSet::new(),
        routes: 0,
        targets: 0,
        seed: u64::from(document.seed.value().copied().unwrap_or(1)),
    };
    let mut rds = AHashMap::new();
    for router in &document.router {
        build.router(router);
    }
    let homes: Vec<Vec<VrfId>> = document.vrf.iter().map(|vrf| build.vrf(vrf, &mut rds)).collect();
    for (vrf, homes) in document.vrf.iter().zip(&homes) {
        vrf.interface.iter().for_each(|interface| build.interface(interface, homes));
    }
    for (vrf, homes) in document.vrf.iter().zip(&homes) {
        vrf.statics.iter().for_each(|route| build.static_route(route, homes));
    }
    let mut group = 0;
    for (vrf, homes) in document.vrf.iter().zip(&homes) {
        for routes in &vrf.routes {
            group += 1;
            build.routes(routes, homes, group);
        }
    }
    for name in inputs.files.keys().filter(|name| !build.named.contains(*name)) {
        let warning = Diagnostic::warning(source.name(), format!("no group of routes has `file = \"${name}\"`"));
        build.diagnostics.push(warning);
    }
    if build.diagnostics.errors() > 0 {
        return None;
    }
    let Build { builder, gateways, provenance, .. } = build;
    match builder.build() {
        Ok(network) => {
            warn_of_unresolved(&network, &gateways, source, diagnostics);
            Some((network, provenance))
        }
        Err(errors) => {
            for error in errors {
                diagnostics.push_with(Severity::Error, || Diagnostic::error(source.name(), error.to_string()));
            }
            None
        }
    }
}

/// Warns of every gateway that leads nowhere, one warning a place and VRF.
fn warn_of_unresolved(network: &Network, gateways: &[Gateways], source: &SourceText, diagnostics: &mut Diagnostics) {
    let resolution = Resolution::new(network);
    for Gateways { span, vrf, next_hops } in gateways {
        let lost = next_hops.iter().filter(|(_, id)| !resolution.resolves(*id)).map(|(address, _)| address);
        let Some(first) = lost.clone().min() else { continue };
        diagnostics.push_with(Severity::Warning, || {
            let more = match lost.count() {
                1 => String::new(),
                count => format!(" and {} others", count - 1),
            };
            let name = &network.vrf(*vrf).name;
            let message = format!("next hop `{first}`{more} does not resolve in VRF `{name}`: its routes are not used");
            source
                .diagnostic(Severity::Warning, span.clone(), message)
                .expected("expected an address in a subnet of the VRF, or `interface` beside it")
        });
    }
}

pub(super) struct Build<'a> {
    pub(super) source: &'a SourceText,
    pub(super) inputs: &'a Inputs,
    pub(super) lenient: bool,
    pub(super) diagnostics: &'a mut Diagnostics,
    pub(super) builder: NetworkBuilder,
    pub(super) routers: AHashMap<String, RouterId>,
    pub(super) vrfs: AHashMap<(RouterId, String), VrfId>,
    pub(super) interfaces: AHashMap<(RouterId, String), (VrfId, InterfaceId)>,
    /// How many VRFs each router has so far.
    pub(super) vrfs_of: AHashMap<RouterId, usize>,
    /// Where everything stands, by id; the text itself is not in it.
    pub(super) provenance: Provenance,
    /// Next hops that must resolve (SEMANTICS S5), with the place that names them.
    pub(super) gateways: Vec<Gateways>,
    pub(super) lists: AHashMap<PathBuf, Option<Arc<PrefixList>>>,
    /// The `$NAME`s that were used.
    pub(super) named: BTreeSet<String>,
    /// Routes of groups so far.
    pub(super) routes: usize,
    /// Targets of the lists of VRFs so far.
    pub(super) targets: usize,
    pub(super) seed: u64,
}

/// Returns the place of these bytes of the scenario, or its start where they are unknown.
pub(super) fn place(span: Option<Span>) -> Place {
    Place::new(0, span.unwrap_or_default())
}

/// Gateways without interface that one place in the file names for one VRF.
pub(super) struct Gateways {
    pub(super) span: Span,
    pub(super) vrf: VrfId,
    pub(super) next_hops: Vec<(IpAddr, NextHopId)>,
}

/// A prefix of either family.
pub(super) enum AnyPrefix {
    Ipv4(Ipv4Prefix),
    Ipv6(Ipv6Prefix),
}

impl Build<'_> {
    pub(super) fn error(&mut self, span: Option<Span>, message: String, expected: &str) {
        let source = self.source;
        self.diagnostics.push_with(Severity::Error, || {
            source.diagnostic(Severity::Error, span.unwrap_or_default(), message).expected(expected)
        });
    }

    /// Reports a name that nobody has, unless the lines that define it may have been lost.
    ///
    /// `names` returns those that there are; it is not asked where the error is only counted.
    pub(super) fn unknown(
        &mut self,
        what: &str,
        name: &str,
        span: Option<Span>,
        names: impl FnOnce(&Self) -> Vec<String>,
    ) {
        if self.lenient {
            return;
        }
        // Sorted, so that of equally near names it is always the same, whatever the order of the map.
        let mut names = if self.diagnostics.errors() < KEPT { names(self) } else { Vec::new() };
        names.sort_unstable();
        let near = nearest(name, names.iter().map(String::as_str)).map(|near| format!("did you mean `{near}`?"));
        let source = self.source;
        self.diagnostics.push_with(Severity::Error, || {
            let message = format!("there is no {what} `{name}`");
            let diagnostic = source
                .diagnostic(Severity::Error, span.unwrap_or_default(), message)
                .expected(format!("expected the name of a {what}"));
            match near {
                Some(near) => diagnostic.hint(near),
                None => diagnostic,
            }
        });
    }

    pub(super) fn parsed<T: FromStr<Err: Display>>(&mut self, text: &str, span: Span, expected: &str) -> Option<T> {
        match text.parse() {
            Ok(value) => Some(value),
            Err(error) => {
                let error = error.to_string();
                // The engine's errors end with the expectation; it stands at the caret here.
                let (message, expected) = match error.split_once(": expected ") {
                    Some((message, detail)) => (message.to_owned(), format!("expected {detail}")),
                    None => (error, expected.to_owned()),
                };
                let message = if message.contains('`') { message } else { format!("`{text}` is no address") };
                self.error(Some(span), message, &expected);
                None
            }
        }
    }

    pub(super) fn address(&mut self, key: &Key<String>) -> Option<IpAddr> {
        self.parsed(key.value()?, key.span()?, "expected an IPv4 or IPv6 address")
    }

    pub(super) fn prefix(&mut self, text: &str, span: Span) -> Option<AnyPrefix> {
        let result =
            if text.contains(':') { text.parse().map(AnyPrefix::Ipv6) } else { text.parse().map(AnyPrefix::Ipv4) };
        let (message, expected) = match result {
            Ok(prefix) => return Some(prefix),
            Err(ParsePrefixError::HostBits { masked, .. }) => {
                (format!("`{text}` has host bits set"), format!("expected `{masked}`"))
            }
            Err(_) => (format!("`{text}` is not a prefix"), "expected ADDRESS/LENGTH".to_owned()),
        };
        self.error(Some(span), message, &expected);
        None
    }
}
