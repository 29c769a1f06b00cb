//! What makes Belfry at home in a shell: completion and manual pages.

use std::fs;

use anyhow::Context;
use clap::CommandFactory;

use crate::arguments::{Arguments, Completion, Man};
use crate::failure::Failure;
use crate::output::line;

pub fn completion(completion: &Completion) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(completion.shell, &mut Arguments::command(), "belfry", &mut script);
    print(&script);
    Ok(())
}

pub fn man(man: &Man) -> Result<(), Failure> {
    let Some(folder) = &man.dir else {
        let mut page = Vec::new();
        clap_mangen::Man::new(Arguments::command()).render(&mut page)?;
        print(&page);
        return Ok(());
    };
    fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    clap_mangen::generate_to(Arguments::command(), folder).with_context(|| format!("cannot write into {}", folder.display()))?;
    line!("the pages are in {}; read one with: man {}", folder.display(), folder.join("belfry.1").display());
    Ok(())
}

fn print(text: &[u8]) {
    line!("{}", String::from_utf8_lossy(text).trim_end());
}
