// The JSON of Vercel's objects. Knows their members and no endpoint. All under World's lock.
#pragma once

#include "world.hpp"

namespace standin::vercel {

[[nodiscard]] std::string_view name_of(Status status);
[[nodiscard]] Json shape(const Session& session);
[[nodiscard]] Json shape(World& world, const Sandbox& sandbox);
[[nodiscard]] Json shape(const Command& command);
[[nodiscard]] Json shape(const Snapshot& snapshot);
[[nodiscard]] Json routes_of(const Sandbox& sandbox);
/// {"sandbox", "session", "routes"} of its current session.
[[nodiscard]] Json whole_shape(World& world, const Sandbox& sandbox);

}  // namespace standin::vercel
