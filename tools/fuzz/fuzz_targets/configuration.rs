//! Router configurations: in every dialect, texts are a network or a list of mistakes that can be shown, and every place
//! that is remembered stands in its text.
//!
//! A zero byte ends a text and begins that of the next router: no file with one is a configuration.

#![no_main]

mod explained;

use libfuzzer_sys::fuzz_target;
use vrfleak_bench_data::Diagnostics;
use vrfleak_config::{Format, Loaded, Options, Place, detect, is_configuration, load_texts};
use vrfleak_engine::{Family, RouterId, VrfId};

fuzz_target!(|data: &[u8]| {
    // Files are read like this, too: a byte that is no text becomes a replacement character.
    let text = String::from_utf8_lossy(data);
    let names = ["a.cfg", "b.cfg", "c.cfg", "d.cfg"];
    let texts: Vec<(&str, &str)> = names.into_iter().zip(text.splitn(names.len(), '\0')).collect();
    for (_, text) in &texts {
        assert_eq!(is_configuration(text), detect(text).is_some());
    }
    read(&texts, &Options::default());
    for format in Format::ALL {
        read(&texts, &Options::with_dialect(format));
    }
});

fn read(texts: &[(&str, &str)], options: &Options) {
    match load_texts(texts.iter().copied(), options) {
        Ok(loaded) => {
            show(&loaded.warnings);
            assert_eq!(loaded.warnings.errors(), 0);
            assert_eq!(loaded.formats.len(), texts.len());
            assert!(loaded.unknown.kept().len() <= loaded.unknown.count());
            resolve(&loaded);
            if options.dialect.is_none() {
                explained::explain(&loaded.network, &loaded.provenance);
            }
        }
        Err(mistakes) => {
            assert!(mistakes.errors() > 0, "refused without a mistake");
            show(&mistakes);
        }
    }
}

/// Finds every place in its text.
fn resolve(loaded: &Loaded) {
    let (network, provenance) = (&loaded.network, &loaded.provenance);
    let at = |place: Place| explained::stands(provenance, place);
    (0..network.routers().len()).for_each(|index| at(provenance.router(RouterId::from_index(index)).expect("every router has a place")));
    for index in 0..network.vrfs().len() {
        let origin = provenance.vrf(VrfId::from_index(index)).expect("every VRF has a place");
        at(origin.definition);
        origin.rd.into_iter().for_each(at);
        for family in Family::ALL {
            let family = origin.family(family);
            family.import.iter().chain(&family.export).for_each(|&(_, place)| at(place));
            family.networks.iter().for_each(|&(_, place)| at(place));
            family.static_routes.iter().chain(&family.ce_routes).for_each(|route| at(route.place));
        }
    }
    for id in network.policies().ids() {
        at(provenance.policy(id).expect("every policy has a place"));
        let clauses = &network.policies().get(id).clauses;
        clauses.iter().for_each(|clause| at(provenance.clause(clause.source).expect("every clause has a place")));
    }
}

fn show(diagnostics: &Diagnostics) {
    assert_eq!(diagnostics.render(false).is_empty(), diagnostics.is_empty());
}
