use super::*;

fn default_judges(address: &str) -> Result<(), Refused> {
    NetworkPolicy::default().judge(address.parse().unwrap())
}

/// First and last addresses of every class, and what embeds them.
#[rustfmt::skip]
const NOT_DIALLED: [&str; 66] = [
    "0.0.0.0", "0.255.255.255", "10.0.0.0", "10.255.255.255", "100.64.0.0", "100.127.255.255", "127.0.0.1", "127.255.255.255",
    "169.254.0.0", "169.254.169.254", "172.16.0.0", "172.31.255.255", "192.0.0.1", "192.0.0.170", "192.0.2.1", "192.88.99.1",
    "192.168.0.0", "192.168.255.255", "198.18.0.0", "198.19.255.255", "198.51.100.1", "203.0.113.255", "224.0.0.1",
    "239.255.255.255", "240.0.0.0", "254.255.255.255", "255.255.255.255",
    "::", "::1", "::2", "::127.0.0.1", "::8.8.8.8", "::ffff:127.0.0.1", "::ffff:10.1.2.3", "::ffff:169.254.169.254",
    "::ffff:0:0", "64:ff9b::7f00:1", "64:ff9b::10.0.0.1", "64:ff9b::169.254.169.254", "64:ff9b:1::1", "64:ff9b:1::8.8.8.8",
    "100::1", "2001::1", "2001:0:a00:1::f7f7:f7f7", "2001:0:808:808::80ff:fffe", "2001:2::1", "2001:2:0:ffff::1", "2001:10::1",
    "2001:1ff::1", "2001:db8::1", "2001:db8:ffff::1", "2002:7f00:1::1", "2002:a00:1::", "2002:c0a8:101::1", "3fff::1", "3fff:fff::1",
    "5f00::1", "fc00::1", "fd00::1", "fdff:ffff::1", "fe80::1", "febf::1", "fec0::1", "ff02::1", "ff0e::1", "4000::1",
];

#[rustfmt::skip]
const DIALLED: [&str; 26] = [
    "1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.0",
    "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0", "192.0.1.1", "192.167.255.255", "192.169.0.0", "198.17.255.255",
    "198.20.0.0", "223.255.255.255", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2001:0:808:808::f7f7:f7f7", "2001:200::1",
    "2002:808:808::1", "2606:4700:4700::1111", "2a00:1450::1", "3fff:1000::1",
];

#[test]
fn what_is_not_public_is_not_dialled() {
    for address in NOT_DIALLED {
        let refused = default_judges(address).expect_err(address);
        assert_eq!(refused.address, address.parse::<IpAddr>().unwrap());
    }
}

#[test]
fn what_is_public_is_dialled_up_to_the_very_border() {
    for address in DIALLED {
        assert_eq!(default_judges(address), Ok(()), "{address}");
    }
}

#[test]
fn a_refusal_names_the_address_and_what_can_permit_it() {
    let text = default_judges("169.254.169.254").unwrap_err().to_string();
    assert!(text.contains("169.254.169.254") && text.contains("link-local") && text.contains("BELFRY_WORKER_ALLOW_NETWORKS"), "{text}");
}

#[test]
fn an_allowed_network_is_dialled_in_each_of_its_forms_and_nothing_beside_it() {
    let policy = NetworkPolicy { allow: vec!["10.0.0.0/8".parse().unwrap(), "fd00:1::/32".parse().unwrap()] };
    for address in ["10.0.0.0", "10.255.255.255", "::ffff:10.1.2.3", "64:ff9b::10.1.2.3", "2002:a00:1::1", "fd00:1:ffff::1", "8.8.8.8"] {
        assert_eq!(policy.judge(address.parse().unwrap()), Ok(()), "{address}");
    }
    for address in ["127.0.0.1", "192.168.0.1", "::ffff:127.0.0.1", "fd00:2::1", "::a00:1"] {
        assert!(policy.judge(address.parse().unwrap()).is_err(), "{address}");
    }
}

#[test]
fn a_network_of_no_prefix_bits_allows_its_whole_family() {
    let everything: Subnet = "0.0.0.0/0".parse().unwrap();
    assert!(everything.contains("127.0.0.1".parse().unwrap()));
    assert!(!everything.contains("::1".parse().unwrap()));
    assert!("::/0".parse::<Subnet>().unwrap().contains("::1".parse().unwrap()));
}

#[test]
fn networks_are_read_and_written_in_one_form() {
    for (text, written) in [("10.0.0.0/8", "10.0.0.0/8"), (" 127.0.0.1 ", "127.0.0.1/32"), ("::1", "::1/128"), ("FD00::/8", "fd00::/8")] {
        assert_eq!(text.parse::<Subnet>().unwrap().to_string(), written);
    }
    for text in ["", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0/8", "::/129", "localhost", "10.0.0.0/8/8", "10.0.0.0/"] {
        assert_eq!(text.parse::<Subnet>(), Err(SubnetError::NotANetwork(text.to_owned())), "{text}");
    }
}

#[test]
fn bits_after_the_prefix_are_refused_with_the_network_that_was_meant() {
    let error = "10.1.2.3/8".parse::<Subnet>().unwrap_err();
    assert_eq!(error.to_string(), "`10.1.2.3/8` has bits set after its prefix; the network is 10.0.0.0/8");
}
