// Files into a sandbox: as archives into a private place, and then moved by one shell text, so that each appears whole or
// not at all, with any name, and what stands in the way is told.
#pragma once

#include <berth/call.hpp>
#include <berth/files.hpp>
#include <functional>
#include <optional>

#include "sandbox_link.hpp"
#include "text.hpp"

namespace berth_cloud {

class Upload {
public:
    // Relative paths are below `directory`.
    Upload(SandboxLink& link, berth::Call& call, std::string directory)
        : link_(link), call_(call), directory_(std::move(directory)) {}

    void take(berth::FileSource& source);

private:
    struct Action {
        std::uint64_t operation;
        std::string path;
        std::size_t script_begin;
    };
    void put(const berth::FileEntry& entry, berth::FileSource& source);
    void put_content(std::size_t number, unsigned mode, berth::FileSource& source);
    void send();
    void wait_for(std::size_t left_under_way);
    // Makes everything so far be in place.
    void settle(berth::FileSource& source);
    void clean_up() noexcept;
    [[noreturn]] void failed(std::string_view answer);

    SandboxLink& link_;
    berth::Call& call_;
    std::string directory_;
    std::string token_ = random_token();
    std::string content_;  // of one part, while it is read
    std::string script_;
    std::vector<Action> actions_;
    std::vector<std::uint64_t> complete_;  // operations whose last entry was seen
    std::optional<std::uint64_t> current_;
    bool has_sent_ = false;
    bool has_lost_one_ = false;  // a part did not arrive: nothing may be put in place any more
    bool is_reading_ = false;
};

}  // namespace berth_cloud
