// What tests of snapshots share: a caller that acts in the middle, and what must not be left half done.
#pragma once

#include <filesystem>
#include <functional>
#include <utility>

#include "room.hpp"

namespace room {

// Does something whenever it is asked whether it gave up, which every step of a copy does.
class ActingCaller : public TestCaller {
public:
    explicit ActingCaller(std::function<bool()> act) : act_(std::move(act)) {}
    [[nodiscard]] bool cancelled() const override { return act_() || TestCaller::cancelled(); }

private:
    std::function<bool()> act_;
};

inline std::filesystem::path state_of(const Provider& provider) {
    return provider.directory.path() / "state" / "local";
}

inline void check_nothing_unfinished(Provider& provider, std::size_t snapshots) {
    CHECK(provider.sandboxes.list_snapshots().size() == snapshots);
    CHECK(entries(state_of(provider) / "snapshots") == snapshots);
    CHECK(entries(state_of(provider) / "restoring") == 0);
    CHECK(entries(state_of(provider) / "unfinished") == 0);
}

}  // namespace room
