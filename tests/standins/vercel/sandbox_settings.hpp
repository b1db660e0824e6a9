// What a sandbox is made with and what can be changed of it, from the bodies of create, fork and update. Under World's
// lock; knows no request beyond its body.
#pragma once

#include "validation.hpp"
#include "world.hpp"

namespace standin::vercel {

/// From the body of create; `version` is that of the path. Throws Refusal.
[[nodiscard]] Sandbox new_sandbox(World& world, const Body& body, int version);
/// From the body of fork: what it does not name is the source's.
[[nodiscard]] Sandbox forked_sandbox(World& world, const Sandbox& source, const Body& body);
/// The snapshot that create is to begin with, or "". Throws Refusal for a source that is none.
[[nodiscard]] std::string snapshot_of_source(const Body& body);
/// From the body of update; changes nothing when it throws.
void change_sandbox(World& world, Sandbox& sandbox, const Body& body);

}  // namespace standin::vercel
