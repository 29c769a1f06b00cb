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
    (Mutation::GiveBackState, 30),
    (Mutation::GiveBackSeq, 0),
    (Mutation::SweepState, 30),
    (Mutation::SweepPublishAt, 30),
    (Mutation::SweepSeq, 0),
    (Mutation::ClaimState, 30),
    (Mutation::ClaimToken, 30),
    (Mutation::ClaimEpoch, 0),
    (Mutation::ClaimDelivery, 0),
    (Mutation::ClaimDue, 0),
    (Mutation::EditDue, 0),
    (Mutation::WorkerEpoch, 0),
    (Mutation::WorkerState, 0),
    (Mutation::NodeSettled, 0),
    (Mutation::ReapClaimUntil, 30),
    (Mutation::ReapEpoch, 0),
    (Mutation::ReapBelieved, 0),
    (Mutation::PendingSeq, 0),
    (Mutation::PendingCancelled, 0),
    (Mutation::RedriveInterval, 0),
    (Mutation::RedriveReady, 0),
    (Mutation::RedriveBelieved, 0),
    (Mutation::BuryDead, 0),
    (Mutation::BuryBelieved, 0),
    (Mutation::BuryHeld, 0),
    (Mutation::DeleteRuns, 0),
    (Mutation::CancelEpoch, 0),
    (Mutation::ReleaseEpoch, 0),
    (Mutation::CalendarRevision, 0),
];

/// What only backs up another term: with either there nothing that was promised breaks in the named history, with neither it does.
const BACKS_UP: &[(Mutation, Mutation, &str)] = &[
    (Mutation::FireActive, Mutation::FireRevision, "a_schedule_that_is_paused_just_before_its_time_does_not_fire"),
    (Mutation::FireDue, Mutation::FireNominal, "a_fire_that_comes_when_its_time_was_decided_changes_nothing"),
];

fn breaks(scenario: &Scenario, mutations: &[Mutation]) -> bool {
    execute(scenario, &Options { mutations: mutations.to_vec(), ..Options::default() }).violation.is_some()
}

/// Whether one of the named histories or of the first seeds breaks.
fn is_caught(mutation: Mutation, seeds: u64) -> bool {
    let named = scenarios::named().into_iter().map(|(_, scenario)| scenario);
    named.chain((0..seeds).map(Scenario::of)).any(|scenario| breaks(&scenario, &[mutation]))
}

#[test]
fn each_term_that_is_taken_out_is_missed() {
    for (mutation, seeds) in CAUGHT {
        assert!(is_caught(*mutation, *seeds), "{mutation:?} is not caught within {seeds} seeds");
    }
}

#[test]
fn a_term_that_backs_up_another_is_missed_with_it() {
    for (term, other, name) in BACKS_UP {
        let named = scenarios::named().into_iter().find(|(known, _)| known == name);
        let (_, scenario) = named.unwrap_or_else(|| panic!("there is no history {name}"));
        assert!(!breaks(&scenario, &[*term]), "{term:?} alone is missed in {name}");
        assert!(!breaks(&scenario, &[*other]), "{other:?} alone is missed in {name}");
        assert!(breaks(&scenario, &[*term, *other]), "neither {term:?} nor {other:?} is missed in {name}");
    }
}

#[test]
fn every_term_is_known_to_be_caught_or_to_back_up_another() {
    let caught = CAUGHT.iter().map(|(mutation, _)| *mutation);
    let known: BTreeSet<Mutation> = caught.chain(BACKS_UP.iter().map(|(mutation, ..)| *mutation)).collect();
    assert_eq!(known, Mutation::ALL.iter().copied().collect());
}
