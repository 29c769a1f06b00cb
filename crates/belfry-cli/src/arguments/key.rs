//! `belfry key …`

use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand};

use belfry_core::ports::Scope;

#[derive(Subcommand)]
pub enum KeyVerb {
    /// Make a key and show it, once
    #[command(after_help = "Examples:
  belfry key create laptop
  belfry key create dashboard --scopes read --expires 90d
  export BELFRY_API_KEY=$(belfry key create billing-worker --scopes work)")]
    Create(CreateKey),
    /// List them, the expired and the revoked ones too
    #[command(
        alias = "ls",
        after_help = "Example:
  belfry key list"
    )]
    List,
    /// Show one by its id; never its secret
    #[command(
        alias = "show",
        after_help = "Example:
  belfry key get 01a211ee-ea80-7001-8000-000000000000"
    )]
    Get { id: String },
    /// Revoke a key by its id: from the answer on it opens nothing
    #[command(after_help = "Example:
  belfry key revoke 01a211ee-ea80-7001-8000-000000000000")]
    Revoke { id: String },
}

#[derive(Args)]
pub struct CreateKey {
    /// Who or what will use it
    pub name: String,
    /// What it may do, separated by commas; everything when absent
    #[arg(long, value_delimiter = ',', value_parser = scopes())]
    pub scopes: Vec<String>,
    /// When it ceases to open anything: an instant, or a length of time such as 90d; never when absent
    #[arg(long, value_name = "TIME")]
    pub expires: Option<String>,
}

fn scopes() -> PossibleValuesParser {
    PossibleValuesParser::new(Scope::ALL.iter().map(|scope| scope.as_str()))
}
