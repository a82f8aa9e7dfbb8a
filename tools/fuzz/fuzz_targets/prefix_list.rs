//! Prefix lists: every text is a list or a list of mistakes that can be shown, however the bytes arrive; and a list that
//! is printed reads back to the same entries.

#![no_main]

use std::io::{self, Read};
use std::net::IpAddr;

use libfuzzer_sys::fuzz_target;
use vrfleak_bench_data::PrefixList;
use vrfleak_engine::{Address, Prefix};

fuzz_target!(|data: &[u8]| {
    let Some((&step, text)) = data.split_first() else { return };
    let step = usize::from(step).pow(2) + 1;
    let whole = PrefixList::parse("list", text);
    let trickled = PrefixList::parse("list", Trickle { text, step });
    match (whole, trickled) {
        (Ok(list), Ok(other)) => {
            same(&list, &other);
            let text = lines::<u32>(&list) + &lines::<u128>(&list);
            let again = PrefixList::parse("list", text.as_bytes()).expect("what a list prints is a list");
            assert_eq!((entries::<u32>(&list), entries::<u128>(&list)), (entries(&again), entries(&again)));
            assert!(list.duplicates() <= list.len().saturating_sub(1));
        }
        (Err(mistakes), Err(other)) => {
            assert!(mistakes.errors() > 0, "refused without a mistake");
            assert_eq!(mistakes.errors(), other.errors(), "{step} bytes at a time");
            assert!(mistakes.iter().eq(other.iter()), "{step} bytes at a time");
            assert!(!mistakes.render(false).is_empty());
        }
        (whole, _) => panic!("{step} bytes at a time change the answer: as a whole it is {whole:?}"),
    }
});

/// Hands out a few bytes at a time, as a pipe may.
struct Trickle<'a> {
    text: &'a [u8],
    step: usize,
}

impl Read for Trickle<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let end = self.step.min(buffer.len());
        self.text.read(&mut buffer[..end])
    }
}

fn entries<A: Address>(list: &PrefixList) -> Vec<(Prefix<A>, Option<IpAddr>)> {
    list.entries().iter().map(|entry| (entry.prefix, list.next_hop(entry))).collect()
}

fn same(list: &PrefixList, other: &PrefixList) {
    assert_eq!(entries::<u32>(list), entries::<u32>(other));
    assert_eq!(entries::<u128>(list), entries::<u128>(other));
    assert_eq!(list.next_hops(), other.next_hops());
}

fn lines<A: Address>(list: &PrefixList) -> String {
    let line = |(prefix, next_hop): (Prefix<A>, Option<IpAddr>)| match next_hop {
        Some(next_hop) => format!("{prefix} {next_hop}\n"),
        None => format!("{prefix}\n"),
    };
    entries(list).into_iter().map(line).collect()
}
