//! The simulation is worth what it catches: with a term of the protocol taken out of the store it must fail.

use std::collections::BTreeSet;

use belfry_sim::{Mutation, Options, Scenario, execute, scenarios};

/// Each with how many of the first seeds may be needed where no named history catches it.
const CAUGHT: &[(Mutation, u64)] = &[
    (Mutation::FireRevision, 0),
    (Mutation::FireNominal, 30),
    (Mutation::FireDecidedAt, 30),
    (Mutation::MarkState, 30),
    (Mutation::MarkSeq, 0),
    (Mutation::SweepPublishAt, 30),
    (Mutation::SweepSeq, 0),
    (Mutation::ClaimState, 30),
    (Mutation::ClaimToken, 30),
    (Mutation::ClaimEpoch, 0),
    (Mutation::ClaimDelivery, 0),
    (Mutation::WorkerEpoch, 0),
    (Mutation::ReapClaimUntil, 30),
    (Mutation::ReapEpoch, 0),
    (Mutation::ReapBelieved, 0),
    (Mutation::PendingSeq, 0),
    (Mutation::PendingCancelled, 60),
    (Mutation::DeleteRuns, 0),
    (Mutation::CancelEpoch, 0),
    (Mutation::ReleaseEpoch, 0),
];

/// What only backs up another term, or buys speed: without it nothing that was promised breaks.
const NOT_CAUGHT: &[(Mutation, &str)] = &[
    (
        Mutation::WorkerState,
        "all that takes a run from its worker raises the epoch; and after its own finish its nodes have settled, and stay",
    ),
    (Mutation::FireActive, "a pause raises the revision, which is compared"),
    (Mutation::FireDue, "a decision over what is not due decides nothing, so there is no such fire"),
    (Mutation::GiveBackState, "what a giving back writes means nothing outside of `pending`"),
    (Mutation::GiveBackSeq, "it shortens another's lease: a second message, which is allowed where something fails"),
    (Mutation::RedriveInterval, "a second message, which is allowed where something fails"),
    (Mutation::RedriveReady, "a second message, which is allowed where something fails"),
    (Mutation::BuryHeld, "the lease runs out: the message is late"),
];

/// The first violation, of the histories that were named or of the first seeds.
fn is_caught(mutation: Mutation, seeds: u64) -> bool {
    let options = Options { mutation: Some(mutation), ..Options::default() };
    let named = scenarios::named().into_iter().map(|(_, scenario)| scenario);
    named.chain((0..seeds).map(Scenario::of)).any(|scenario| execute(&scenario, &options).violation.is_some())
}

#[test]
fn each_term_that_is_taken_out_is_missed() {
    for (mutation, seeds) in CAUGHT {
        assert!(is_caught(*mutation, *seeds), "{mutation:?} is not caught within {seeds} seeds");
    }
}

#[test]
fn every_term_is_known_to_be_caught_or_not() {
    let known: BTreeSet<String> = CAUGHT
        .iter()
        .map(|(mutation, _)| mutation)
        .chain(NOT_CAUGHT.iter().map(|(mutation, _)| mutation))
        .map(|mutation| format!("{mutation:?}"))
        .collect();
    let all: BTreeSet<String> = Mutation::ALL.iter().map(|mutation| format!("{mutation:?}")).collect();
    assert_eq!(known, all);
    assert!(NOT_CAUGHT.iter().all(|(_, why)| !why.is_empty()));
}
