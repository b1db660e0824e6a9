// Our own small works in a sandbox at Daytona.
#pragma once

#include <deque>

#include "backend.hpp"
#include "cloud/sandbox_link.hpp"

namespace berth_daytona {

class DaytonaSandbox final : public SandboxLink {
public:
    DaytonaSandbox(const Backend& backend, berth::Call& call, std::string box)
        : backend_(backend), call_(call), box_(std::move(box)) {}

    [[nodiscard]] ShellAnswer shell(const std::vector<std::string>& words) override;
    void start(const std::vector<std::string>& words) override;
    void stage(const std::string& path, std::string_view content, unsigned) override { form_.add(path, content); }
    [[nodiscard]] std::size_t staged() const override { return form_.body.size(); }
    void send_staged() override;
    void wait_for_staged(std::size_t left_under_way) override;
    [[nodiscard]] std::size_t under_way() const override { return under_way_.size(); }
    [[nodiscard]] bool keeps_modes() const override { return false; }
    [[nodiscard]] berth::OpenAnswer read_file(const std::string& path) override {
        return backend_.api.download(call_, box_, path);
    }

private:
    const Backend& backend_;
    berth::Call& call_;
    std::string box_;
    FileForm form_;
    // Each has files of its own: in which order they arrive does not matter.
    std::deque<Api::Sending> under_way_;
};

}  // namespace berth_daytona
