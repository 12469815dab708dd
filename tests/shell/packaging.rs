//! Packages: what is published holds what is built, and a build says of which commit it is.
#![expect(clippy::expect_used, reason = "a test ends where something is not as it should be")]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::command_line::hookgate;
use crate::surroundings::{Folder, project, tool};

fn text(name: &str) -> String {
    std::fs::read_to_string(project(name)).expect("a file of the project")
}

/// Runs a command to its end; what it printed, without the last line's end.
fn printed(command: &mut Command) -> Option<String> {
    let output = command.stdin(Stdio::null()).output().expect("it starts");
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
}

/// git in a folder, with nobody's settings.
fn git(folder: &Path, words: &[&str]) -> Option<String> {
    let mut git = Command::new("git");
    git.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1").current_dir(folder);
    git.args(["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "init.defaultBranch=main"]);
    printed(git.args(words))
}

#[test]
fn version_says_commit_and_features() {
    let long = hookgate(&["--version"]);
    let lines: Vec<&str> = long.lines().skip_while(|line| !line.starts_with("hookgate ")).collect();
    let [first, commit, features, target, ..] = lines[..] else { unreachable!("{long}") };
    assert_eq!(first, concat!("hookgate ", env!("CARGO_PKG_VERSION")));
    assert!(hookgate(&["-V"]).contains(&format!("--- stdout\n{first}\n--- stderr")), "-V is one line");
    let features = features.strip_prefix("features: ").expect("features");
    assert_eq!(features.split(", ").any(|name| name == "load"), cfg!(feature = "load"), "{features}");
    assert!(target.starts_with("target: ") && target.split('-').count() >= 3, "{target}");
    // In a repository it is that of the last commit; a build from elsewhere may not know it.
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let is_root = tool("git").and_then(|_| git(root, &["rev-parse", "--show-toplevel"])).is_some_and(|top| Path::new(&top) == root);
    if is_root && option_env!("HOOKGATE_COMMIT").is_none() && !root.join(".cargo_vcs_info.json").exists() {
        assert_eq!(Some(commit.strip_prefix("commit: ").expect("a commit")), git(root, &["rev-parse", "HEAD"]).as_deref());
    }
}

/// What the build script says in a folder: the commit, and the files whose change makes it run again.
fn told(script: &Path, folder: &Path, given: Option<&str>) -> (String, Vec<String>) {
    let mut run = Command::new(script);
    run.current_dir(folder).env_remove("HOOKGATE_COMMIT").env_remove("GIT_DIR").envs(given.map(|given| ("HOOKGATE_COMMIT", given)));
    let said = printed(&mut run).expect("a build script that does not fail");
    let all = |key: &str| said.lines().filter_map(|line| line.strip_prefix(key)).map(str::to_owned).collect::<Vec<_>>();
    let commit = all("cargo:rustc-env=HOOKGATE_BUILD_COMMIT=");
    assert_eq!(commit.len(), 1, "{said}");
    (commit[0].clone(), all("cargo:rerun-if-changed="))
}

#[test]
fn build_is_told_its_commit_wherever_it_is_built() {
    let (Some(rustc), Some(_)) = (tool("rustc"), tool("git")) else { return };
    let folder = Folder::new();
    let script = folder.path("build-script");
    let built = Command::new(rustc).args(["--edition", "2024", "-Cdebuginfo=0", "-o"]).arg(&script).arg(project("build.rs")).status();
    assert!(built.expect("rustc starts").success());
    let at = |name: &str| {
        let path = folder.path(name);
        std::fs::create_dir_all(&path).expect("a folder");
        path
    };
    let commit = |folder: &Path, given: Option<&str>| told(&script, folder, given).0;

    let bare = at("tarball");
    assert_eq!(told(&script, &bare, None), (String::new(), vec!["build.rs".to_owned()]), "nothing that changes makes a build begin again");
    assert_eq!(commit(&bare, Some("v1.2-3-gabc")), "v1.2-3-gabc");
    assert_eq!(commit(&bare, Some("a\ncargo:warning=b")), "", "one word, or nothing");

    let packaged = at("packaged");
    std::fs::write(packaged.join(".cargo_vcs_info.json"), "{\n  \"git\": {\n    \"sha1\": \"0123abcd\"\n  },\n  \"path_in_vcs\": \"\"\n}")
        .expect("written");
    assert_eq!(commit(&packaged, None), "0123abcd");
    assert_eq!(commit(&packaged, Some("given")), "given");

    let repository = at("repository");
    assert!(git(&repository, &["init", "--quiet"]).is_some());
    assert_eq!(commit(&repository, None), "", "nothing was committed yet");
    assert!(git(&repository, &["commit", "--quiet", "--allow-empty", "-m", "first"]).is_some());
    let head = git(&repository, &["rev-parse", "HEAD"]).expect("a commit");
    let (first, watched) = told(&script, &repository, None);
    assert_eq!(first, head);
    let watched: Vec<PathBuf> = watched.iter().skip(1).map(|path| repository.join(path)).collect();
    assert!(watched.iter().all(|path| path.is_file()), "a file that is not there is changed for ever: {watched:?}");
    let contents = || watched.iter().map(|path| std::fs::read(path).expect("it is there")).collect::<Vec<_>>();
    let before = contents();
    assert!(git(&repository, &["commit", "--quiet", "--allow-empty", "-m", "second"]).is_some());
    assert_ne!(contents(), before, "a commit makes it run again");
    assert_ne!(commit(&repository, None), head);

    // A project that has hookgate's sources somewhere within is another one, and its commit not ours.
    assert_eq!(commit(&at("repository/vendor/hookgate"), None), "");
}

/// What `include_str!` and `include_dir!` take in, from the root of the project; without what only tests take in.
fn embedded() -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![project("src")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder of sources") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let source = std::fs::read_to_string(&path).expect("a source");
                let code = source.split("#[cfg(test)]").next().unwrap_or_default();
                for rest in code.split("include_str!(\"").skip(1).chain(code.split("include_bytes!(\"").skip(1)) {
                    let named = folder.join(rest.split('"').next().unwrap_or_default()).canonicalize().expect("it is there");
                    found.push(named.strip_prefix(env!("CARGO_MANIFEST_DIR")).expect("within").to_string_lossy().into_owned());
                }
                for rest in code.split("include_dir!(\"$CARGO_MANIFEST_DIR/").skip(1) {
                    found.push(rest.split('"').next().unwrap_or_default().to_owned());
                }
            }
        }
    }
    found
}

/// The tarball and the image have all that is compiled in, and everything that the manifest names.
#[test]
fn what_is_built_in_is_in_the_tarball_and_in_the_image() {
    let manifest = text("Cargo.toml");
    let (_, list) = manifest.split_once("\nexclude = [").expect("a list");
    let excluded: Vec<&str> = list.split(']').next().unwrap_or_default().split('"').skip(1).step_by(2).collect();
    assert!(excluded.iter().all(|name| name.starts_with('/')), "a name without a slash is left out everywhere: {excluded:?}");
    let ignore = text(".dockerignore");
    let allowed: Vec<&str> = ignore.lines().filter_map(|line| line.strip_prefix('!')).collect();
    let dockerfile = text("Dockerfile");
    let copied: Vec<&str> = dockerfile
        .lines()
        .filter_map(|line| line.strip_prefix("COPY "))
        .filter(|line| !line.starts_with("--"))
        .flat_map(str::split_whitespace)
        .collect();
    let mut needed = embedded();
    assert!(needed.iter().any(|name| name == "scenarios") && needed.len() > 5, "{needed:?}");
    needed.extend(["Cargo.toml", "Cargo.lock", "build.rs", "benches"].map(str::to_owned));
    for name in &needed {
        let top = name.split('/').next().expect("a name");
        assert!(!excluded.contains(&format!("/{top}").as_str()), "{name} is left out of the tarball");
        assert!(allowed.contains(&top), "{name} does not reach the image: .dockerignore");
        assert!(copied.contains(&top), "{name} does not reach the image: Dockerfile");
    }
    // No folder that nobody needs there, and no host but those of the base images.
    assert!(allowed.iter().all(|name| copied.contains(name)), "{allowed:?} {copied:?}");
    assert!(dockerfile.contains("\nUSER 65532:65532\n") && dockerfile.contains("\nENTRYPOINT [\"/usr/local/bin/hookgate\"]\n"));
}

/// Nothing that is published names a repository, a homepage or a host that does not exist.
#[test]
fn nothing_stands_in_for_a_host_that_is_not_there() {
    let manifest = text("Cargo.toml");
    for member in ["repository", "homepage", "documentation"] {
        assert!(!manifest.lines().any(|line| line.starts_with(&format!("{member} ="))), "{member}: CONTRIBUTING.md says who fills it in");
    }
    let release = text(".github/workflows/release.yml");
    let names_hookgate = |line: &&str| line.contains("://") && line.contains("hookgate");
    assert_eq!(release.lines().filter(names_hookgate).collect::<Vec<_>>(), Vec::<&str>::new());
    assert!(release.contains("${{ github.sha }}"), "it publishes where it runs");
    // The workflow is that of the version of dist that the configuration names.
    let configured = text("dist-workspace.toml");
    let version = configured.split("cargo-dist-version = \"").nth(1).and_then(|rest| rest.split('"').next()).expect("a version");
    assert!(release.contains(&format!("/download/v{version}/cargo-dist-installer.sh")), "{version}");
    assert!(configured.contains("x86_64-unknown-linux-musl") && configured.contains("aarch64-unknown-linux-musl"));
    // `[profile.dist]` is what dist builds with.
    assert!(manifest.contains("\n[profile.dist]\ninherits = \"release\"\n"));
    let profiles = manifest.split("\n[profile.dist]").nth(1).expect("the profile");
    assert!(!profiles.contains("\nhookgate = "), "cargo forgets `strip` for a command whose package is named there");
}
