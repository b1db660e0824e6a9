// Files into a sandbox: as archives into a private place, and then moved by one shell text, so that each appears whole or
// not at all, with any name, and what stands in the way is told.
#pragma once

#include <deque>

#include "backend.hpp"
#include "cloud/command_wrapper.hpp"
#include "cloud/tar_stream.hpp"
#include "cloud/text.hpp"

namespace berth_vercel {

class Upload {
public:
    Upload(const Backend& backend, berth::Call& call, Place place, std::string directory)
        : backend_(backend), call_(call), place_(std::move(place)), directory_(std::move(directory)) {}

    void take(berth::FileSource& source);

private:
    struct Action {
        std::uint64_t operation;
        std::string path;
        std::size_t script_begin;
    };
    void put(const berth::FileEntry& entry, berth::FileSource& source);
    void put_content(std::size_t number, unsigned mode, berth::FileSource& source);
    void send_archive();
    void wait_for_archives(std::size_t left_under_way);
    // Makes everything so far be in place.
    void settle(berth::FileSource& source);
    void clean_up() noexcept;
    [[noreturn]] void failed(std::string_view answer);

    const Backend& backend_;
    berth::Call& call_;
    Place place_;
    std::string directory_;
    std::string token_ = random_token();
    berth_cloud::TarGzWriter archive_;
    std::string content_;  // of one part, while it is read
    std::string script_;
    // Each has files of its own: in which order they arrive does not matter.
    std::deque<Api::Sending> under_way_;
    std::vector<Action> actions_;
    std::vector<std::uint64_t> complete_;  // operations whose last entry was seen
    std::optional<std::uint64_t> current_;
    bool has_sent_ = false;
    bool has_lost_one_ = false;  // an archive did not arrive: nothing may be put in place any more
    bool is_reading_ = false;
};

}  // namespace berth_vercel
