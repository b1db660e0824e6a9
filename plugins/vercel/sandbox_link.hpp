// Our own small works in a sandbox at Vercel.
#pragma once

#include <deque>

#include "backend.hpp"
#include "cloud/sandbox_link.hpp"
#include "cloud/tar_stream.hpp"

namespace berth_vercel {

class VercelSandbox final : public SandboxLink {
public:
    VercelSandbox(const Backend& backend, berth::Call& call, Place place)
        : backend_(backend), call_(call), place_(std::move(place)) {}

    [[nodiscard]] ShellAnswer shell(const std::vector<std::string>& words) override;
    void start(const std::vector<std::string>& words) override;
    void stage(const std::string& path, std::string_view content, unsigned mode) override {
        archive_.add_file(path.substr(1), content, mode);
    }
    [[nodiscard]] std::size_t staged() const override { return archive_.size(); }
    void send_staged() override;
    void wait_for_staged(std::size_t left_under_way) override;
    [[nodiscard]] std::size_t under_way() const override { return under_way_.size(); }
    [[nodiscard]] bool keeps_modes() const override { return true; }
    [[nodiscard]] berth::OpenAnswer read_file(const std::string& path) override {
        return backend_.api.read_file(call_, place_.session, path);
    }

private:
    const Backend& backend_;
    berth::Call& call_;
    Place place_;
    TarGzWriter archive_;
    // Each has files of its own: in which order they arrive does not matter.
    std::deque<Api::Sending> under_way_;
};

}  // namespace berth_vercel
