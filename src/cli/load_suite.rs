//! Suites of a command line: what is wrong with them is a mistake of the user's.

use super::Failure;
use super::args::{ReachArgs, SuiteArgs};
use crate::contract::Contract;
use crate::files::TextFile;
use crate::suites::{self, SuiteChoice, SuiteTexts};

pub(crate) use crate::suites::{Suite, looks_like_a_file, nearest, read_scenarios, suite_named_in};

impl SuiteArgs {
    /// The suite that they name.
    pub(crate) fn choice(&self) -> SuiteChoice {
        SuiteChoice { contract: self.contract.name.clone(), scenarios: self.scenarios.clone(), only_scenarios: self.only_scenarios.clone() }
    }
}

/// Reads a contract by name or file.
pub(crate) fn contract(named: &str) -> Result<Contract, Failure> {
    suites::contract(named).map_err(Failure::usage)
}

/// The text of a contract by name or file.
pub(crate) fn contract_file(named: &str) -> Result<TextFile, Failure> {
    suites::contract_file(named).map_err(Failure::usage)
}

/// Reads a contract's text.
pub(crate) fn read_contract_file(file: &TextFile) -> Result<Contract, Failure> {
    suites::read_contract_file(file).map_err(Failure::usage)
}

/// Reads the contract, its catalogue and every scenario of its suite.
pub(crate) fn suite(args: &SuiteArgs) -> Result<Suite, Failure> {
    suites::suite(&args.choice()).map_err(Failure::usage)
}

/// The same, as it is meant for a receiver that is reached so.
pub(crate) fn suite_for(args: &SuiteArgs, reach: &ReachArgs) -> Result<Suite, Failure> {
    suite_of(args, reach.meant(contract(&args.contract.name)?)?)
}

/// The same, for a contract that was read already.
pub(crate) fn suite_of(args: &SuiteArgs, contract: Contract) -> Result<Suite, Failure> {
    suites::suite_of(&args.choice(), contract).map_err(Failure::usage)
}

/// The suite of a contract, as text.
pub(crate) fn texts(args: &SuiteArgs, contract: &Contract) -> Result<SuiteTexts, Failure> {
    SuiteTexts::of(&args.choice(), contract).map_err(Failure::usage)
}
