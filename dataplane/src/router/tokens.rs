//! Tokens, and the lists of them that stations hold.

use fleet::StationKey;

use super::pending::Pending;
use super::view::Page;
use super::{PAGE_LEN_MAX, Router, TokenAsk, post};
use crate::local_list::LocalList;
use crate::token::{Token, TokenFilter, TokenMode, TokenWritten};

impl Router {
    /// Writes a token; answered once it is on disk, with the store's error if it has one.
    pub fn put_token(
        &self,
        tenant: &str,
        token: Token,
        mode: TokenMode,
    ) -> Pending<Result<TokenWritten, String>> {
        let tenant = tenant.to_owned();
        post(&self.tokens, |reply| TokenAsk::Put {
            tenant,
            token,
            mode,
            reply,
        })
    }

    /// Tokens after an id, in the order of their folded ids; `limit` is at most [`PAGE_LEN_MAX`]. A page may have fewer
    /// and yet a next one: a filter that shows few looks at only so many at a time. With the store's error if it has one.
    pub fn tokens(
        &self,
        tenant: &str,
        filter: TokenFilter,
        after: Option<&str>,
        limit: usize,
    ) -> Pending<Result<Page<Token, String>, String>> {
        let (tenant, after) = (tenant.to_owned(), after.map(str::to_owned));
        let limit = limit.clamp(1, PAGE_LEN_MAX);
        post(&self.tokens, |reply| TokenAsk::List {
            tenant,
            filter,
            after,
            limit,
            reply,
        })
    }

    /// Forgets a token; answers whether there was one, once that is on disk, or with the store's error.
    pub fn delete_token(&self, tenant: &str, id: &str) -> Pending<Result<bool, String>> {
        let (tenant, id) = (tenant.to_owned(), id.to_owned());
        post(&self.tokens, |reply| TokenAsk::Remove { tenant, id, reply })
    }

    /// Finds a token; with the store's error if it has one.
    pub fn token(&self, tenant: &str, id: &str) -> Pending<Result<Option<Token>, String>> {
        let (tenant, id) = (tenant.to_owned(), id.to_owned());
        post(&self.tokens, |reply| TokenAsk::Find { tenant, id, reply })
    }

    /// The list that a station has accepted, an empty one if none; with the store's error if it has one.
    pub fn local_list(&self, station: StationKey) -> Pending<Result<LocalList, String>> {
        post(&self.tokens, |reply| TokenAsk::FindList { station, reply })
    }

    /// Notes what a station has accepted; answered once it is on disk, with the store's error if it has one.
    pub fn put_local_list(
        &self,
        station: StationKey,
        list: LocalList,
    ) -> Pending<Result<(), String>> {
        post(&self.tokens, |reply| TokenAsk::PutList {
            station,
            list,
            reply,
        })
    }
}
