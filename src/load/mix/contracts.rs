//! Contracts of a mix: several kinds of deliveries that one receiver takes, each under a contract of its own, by weight.
//!
//! Each has its own path, secret and keys, and is judged by its own law; together they are one load. In: the member `contracts` of a mix
//! file. Out: shares, each with the mix that is sent under it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::Mix;
use super::bodies::{BodyFile, BodyPlan};

/// A contract as it stands in a mix.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ContractFile {
    /// What it is called in reports and gates: `fresh@stripe.p99<50ms`.
    pub name: String,
    /// The contract: the name of a shipped one, or a file.
    pub contract: String,
    /// The path, from the root of `--target` (the contract's own).
    pub path: Option<String>,
    /// How often, compared with the others.
    pub weight: u32,
    /// The environment variable that holds its secret (the contract's own).
    pub secret_env: Option<String>,
    /// Kinds with their weights, where they are others than those of the mix.
    pub mix: Option<BTreeMap<String, u32>>,
    /// What is sent (the body of the mix, or the ordinary one of the contract's suite).
    pub body: Option<BodyFile>,
}

/// A contract, and what is sent under it.
#[derive(Clone, Debug, PartialEq)]
pub struct ContractShare {
    /// What it is called.
    pub name: String,
    /// The contract: the name of a shipped one, or a file.
    pub contract: String,
    /// Where to, when it is not the contract's own path.
    pub path: Option<String>,
    /// How often, compared with the others.
    pub weight: u32,
    /// The variable that holds its secret, when it is not the contract's own.
    pub secret_env: Option<String>,
    /// What is sent.
    pub mix: Mix,
}

/// Whether contracts can be meant.
///
/// * `of`: what is sent under those that do not say it.
///
/// # Errors
/// One sentence: what is wrong with them.
pub(super) fn checked(files: Vec<ContractFile>, of: &Mix) -> Result<Vec<ContractShare>, String> {
    if files.len() == 1 {
        return Err("one contract is no mix of several: give it with --contract, and its path under `endpoints`".to_owned());
    }
    if !files.is_empty() && !of.endpoints.is_empty() {
        return Err("`endpoints` are paths under one contract, and each of `contracts` has its own path: leave one of them out".to_owned());
    }
    let mut shares: Vec<ContractShare> = Vec::new();
    for file in files {
        let ContractFile { name, contract, path, weight, secret_env, mix, body } = file;
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')) {
            return Err(format!("the contract `{name}` is called by letters, digits, `-` and `_`"));
        }
        if let Some(path) = path.iter().find(|path| !path.starts_with('/') || path.bytes().any(|byte| byte <= b' ')) {
            return Err(format!("the path of the contract `{name}` begins with `/` and has no blanks, this is `{path}`"));
        }
        if !(1..=1_000_000).contains(&weight) {
            return Err(format!("the weight of the contract `{name}` is a whole number from 1 to 1000000, this is `{weight}`"));
        }
        if shares.iter().any(|other| other.name.eq_ignore_ascii_case(&name)) {
            return Err(format!("the contract `{name}` stands twice"));
        }
        let told = |what: String| format!("the contract `{name}`: {what}");
        let kinds = mix.map(|kinds| Mix::weighed(kinds.into_iter().collect())).transpose().map_err(told)?;
        let (kinds, total) = kinds.map_or_else(|| (of.kinds.clone(), of.total), |mix| (mix.kinds, mix.total));
        let body = body.map(BodyPlan::of).transpose().map_err(told)?.or_else(|| of.body.clone());
        let mix = Mix { kinds, total, body, endpoints: Vec::new(), contracts: Vec::new(), ..of.clone() };
        shares.push(ContractShare { name, contract, path, weight, secret_env, mix });
    }
    Ok(shares)
}

/// A whole number, shared out by weight: what is left over goes to those who lack most.
///
/// * `least`: what each gets at the least, as far as there is enough.
#[must_use]
pub fn shared_out(number: u64, weights: &[u32], least: u64) -> Vec<u64> {
    let all: u128 = weights.iter().map(|weight| u128::from(*weight)).sum::<u128>().max(1);
    let exact = |weight: u32| u128::from(number) * u128::from(weight);
    let mut shares: Vec<u64> = weights.iter().map(|weight| u64::try_from(exact(*weight) / all).unwrap_or(u64::MAX).max(least)).collect();
    let lack = |shares: &[u64], at: usize| exact(weights[at]) as f64 / all as f64 - shares[at] as f64;
    let by_lack = |shares: &[u64], one: &usize, other: &usize| lack(shares, *one).total_cmp(&lack(shares, *other));
    loop {
        let sum: u64 = shares.iter().sum();
        let places = 0..shares.len();
        if sum < number {
            let Some(at) = places.max_by(|one, other| by_lack(&shares, one, other)) else { return shares };
            shares[at] += 1;
        } else if sum > number {
            let Some(at) = places.filter(|at| shares[*at] > least).min_by(|one, other| by_lack(&shares, one, other)) else {
                return shares;
            };
            shares[at] -= 1;
        } else {
            return shares;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(contracts: &str) -> Result<Mix, String> {
        Mix::read_file("m.yaml", &format!("title: t\nmix: {{fresh: 3, duplicate: 1}}\ncontracts: {contracts}\n"))
    }

    #[test]
    fn each_contract_has_what_is_sent_under_it() {
        let mix = read("[{name: a, contract: stripe-webhook, weight: 3}, {name: b, contract: github-webhook, weight: 1, mix: {fresh: 1}}]");
        let shares = mix.expect("it is right").contracts;
        let told: Vec<_> = shares.iter().map(|one| (one.name.as_str(), one.weight, one.mix.names().join(" "))).collect();
        assert_eq!(told, [("a", 3, "duplicate fresh".to_owned()), ("b", 1, "fresh".to_owned())]);
    }

    #[test]
    fn contracts_that_cannot_be_meant_are_told() {
        for (contracts, told) in [
            ("[{name: a, contract: c, weight: 1}]", "no mix of several"),
            ("[{name: a.b, contract: c, weight: 1}, {name: b, contract: c, weight: 1}]", "is called by letters"),
            ("[{name: a, contract: c, weight: 1}, {name: A, contract: d, weight: 1}]", "stands twice"),
            ("[{name: a, contract: c, weight: 0}, {name: b, contract: d, weight: 1}]", "from 1"),
            ("[{name: a, contract: c, weight: 1, path: x}, {name: b, contract: d, weight: 1}]", "begins with `/`"),
            ("[{name: a, contract: c, weight: 1, mix: {duplicate: 1}}, {name: b, contract: d, weight: 1}]", "of nothing"),
            (
                "[{name: a, contract: c, weight: 1}, {name: b, contract: d, weight: 1}]\nendpoints: [{name: e, path: /e, weight: 1}]",
                "paths under one",
            ),
        ] {
            assert!(read(contracts).is_err_and(|wrong| wrong.contains(told)), "{contracts}");
        }
    }

    #[test]
    fn numbers_are_shared_out_whole() {
        assert_eq!(shared_out(64, &[3, 1], 1), [48, 16]);
        assert_eq!(shared_out(10, &[1, 1, 1], 0).iter().sum::<u64>(), 10);
        assert_eq!(shared_out(3, &[1_000, 1, 1], 1), [1, 1, 1]);
        assert_eq!(shared_out(300, &[2, 1], 0), [200, 100]);
        assert_eq!(shared_out(100_000_000, &[1, 999_999], 0).iter().sum::<u64>(), 100_000_000);
    }
}
