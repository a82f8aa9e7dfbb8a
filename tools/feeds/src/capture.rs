//! Packets of pcap and pcapng files: which TCP connection each belongs to, and what it carries.

use std::io::Read;
use std::net::IpAddr;

use etherparse::{EtherType, LaxNetSlice, LaxSlicedPacket, TransportSlice};
use pcap_parser::pcapng::Block;
use pcap_parser::{Linktype, PcapBlockOwned, PcapError, create_reader};

use crate::reassembly::Segment;

/// How much of a capture is held at a time at first, in bytes: a block must fit.
const BUFFER: usize = 1 << 16;
/// How much at most: many times what a segment and its options take, whatever its length field says.
const MAX_BUFFER: usize = 8 << 20;

/// One direction of a TCP connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Flow {
    pub(crate) source: IpAddr,
    source_port: u16,
    destination: IpAddr,
    destination_port: u16,
}

/// Returns whether a file that begins with these bytes is a capture: pcap of either byte order, in micro- or
/// nanoseconds, or pcapng.
pub(crate) fn is_capture(head: &[u8]) -> bool {
    let magic = [
        [0xa1, 0xb2, 0xc3, 0xd4],
        [0xd4, 0xc3, 0xb2, 0xa1],
        [0xa1, 0xb2, 0x3c, 0x4d],
        [0x4d, 0x3c, 0xb2, 0xa1],
        [0x0a, 0x0d, 0x0d, 0x0a],
    ];
    magic.iter().any(|magic| head.starts_with(magic))
}

/// Calls `segment` for each TCP segment of a capture with data or a SYN, in the order of the file.
///
/// # Errors
///
/// What is wrong with the file, lower case, and how many bytes of it were read before. What came before the mistake was
/// handed out.
pub(crate) fn segments(
    reader: impl Read + Send,
    mut segment: impl FnMut(Flow, Segment<'_>),
) -> Result<(), CaptureError> {
    let error = |what: &'static str, offset| CaptureError { what, offset };
    let mut reader = create_reader(BUFFER, reader).map_err(|_| error("is no capture", 0))?;
    let mut link_types = Vec::new();
    let mut capacity = BUFFER;
    let mut offset = 0_u64;
    loop {
        match reader.next() {
            Ok((len, block)) => {
                match block {
                    PcapBlockOwned::LegacyHeader(header) => link_types = vec![header.network],
                    PcapBlockOwned::Legacy(packet) => {
                        let data = &packet.data[..packet.data.len().min(packet.caplen as usize)];
                        slice(link_types.first().copied(), data, &mut segment);
                    }
                    PcapBlockOwned::NG(Block::SectionHeader(_)) => link_types.clear(),
                    PcapBlockOwned::NG(Block::InterfaceDescription(interface)) => link_types.push(interface.linktype),
                    PcapBlockOwned::NG(Block::EnhancedPacket(packet)) => {
                        let data = &packet.data[..packet.data.len().min(packet.caplen as usize)];
                        slice(link_types.get(packet.if_id as usize).copied(), data, &mut segment);
                    }
                    PcapBlockOwned::NG(Block::SimplePacket(packet)) => {
                        slice(link_types.first().copied(), packet.data, &mut segment);
                    }
                    PcapBlockOwned::NG(_) => {}
                }
                offset += len as u64;
                reader.consume(len);
            }
            Err(PcapError::Eof) => return Ok(()),
            Err(PcapError::Incomplete(_)) => {
                if reader.reader_exhausted() {
                    return Err(error("breaks off inside a packet", offset));
                }
                reader.refill().map_err(|_| error("cannot be read", offset))?;
            }
            Err(PcapError::BufferTooSmall) => {
                capacity *= 2;
                if capacity > MAX_BUFFER || !reader.grow(capacity) {
                    return Err(error("has a block that is too long", offset));
                }
            }
            Err(PcapError::UnexpectedEof) => return Err(error("breaks off inside a packet", offset)),
            Err(PcapError::ReadError) => return Err(error("cannot be read", offset)),
            Err(_) => return Err(error("is no capture from here on", offset)),
        }
    }
}

/// What is wrong with a capture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CaptureError {
    /// Lower case, to follow the name of the file.
    pub(crate) what: &'static str,
    /// Where, in bytes from the start.
    pub(crate) offset: u64,
}

/// Linux cooked capture, of the first and of the second version: bytes before the payload, and where its type stands.
const COOKED: [(Linktype, usize, usize); 2] = [(Linktype(113), 16, 14), (Linktype(276), 20, 0)];
/// BSD loopback, in the byte order of the host and of the network.
const LOOPBACK: [Linktype; 2] = [Linktype(0), Linktype(108)];
/// Bare IP: raw, IPv4, IPv6, and what BSDs call raw.
const BARE: [Linktype; 5] = [Linktype(101), Linktype(228), Linktype(229), Linktype(12), Linktype(14)];
const ETHERNET: Linktype = Linktype(1);

fn slice(link: Option<Linktype>, data: &[u8], segment: &mut impl FnMut(Flow, Segment<'_>)) {
    let Some(link) = link else { return };
    let packet = if link == ETHERNET {
        LaxSlicedPacket::from_ethernet(data).ok()
    } else if BARE.contains(&link) {
        LaxSlicedPacket::from_ip(data).ok()
    } else if LOOPBACK.contains(&link) {
        data.get(4..).and_then(|data| LaxSlicedPacket::from_ip(data).ok())
    } else if let Some(&(_, header, at)) = COOKED.iter().find(|(cooked, ..)| *cooked == link) {
        data.get(header..).map(|payload| {
            LaxSlicedPacket::from_ether_type(EtherType(u16::from_be_bytes([data[at], data[at + 1]])), payload)
        })
    } else {
        None
    };
    let Some(LaxSlicedPacket { net: Some(net), transport: Some(TransportSlice::Tcp(tcp)), .. }) = packet else {
        return;
    };
    let (source, destination): (IpAddr, IpAddr) = match net {
        LaxNetSlice::Ipv4(ip) => (ip.header().source_addr().into(), ip.header().destination_addr().into()),
        LaxNetSlice::Ipv6(ip) => (ip.header().source_addr().into(), ip.header().destination_addr().into()),
        LaxNetSlice::Arp(_) => return,
    };
    if tcp.payload().is_empty() && !tcp.syn() {
        return;
    }
    let flow = Flow { source, source_port: tcp.source_port(), destination, destination_port: tcp.destination_port() };
    segment(flow, Segment { sequence: tcp.sequence_number(), syn: tcp.syn(), payload: tcp.payload() });
}
