// The toolbox proxy with the daemons behind it, as its HTTP server sees it. Knows no control plane.
#pragma once

#include "exchange.hpp"
#include "world.hpp"

namespace standin::daytona {

class Toolbox : public Service {
public:
    Toolbox(World& world, Clock& clock, Service& control, std::string key)
        : world_(world), clock_(clock), control_(control), key_(std::move(key)) {}

    Answer answer(const Request& request) override;
    Answer refused(const Refusal& refusal) const override;
    void stop_under(const Request& request) override { control_.stop_under(request); }
    std::string error_line(const std::string& code, const std::string& message) const override;
    Answer control(const Request& request) override { return control_.control(request); }

private:
    [[nodiscard]] Answer found(const Request& request);
    [[nodiscard]] std::shared_ptr<Sandbox> admitted(const Request& request) const;
    [[nodiscard]] Answer error_answer(const Refusal& refusal, const std::string& method, const std::string& path) const;

    World& world_;
    Clock& clock_;
    Service& control_;
    std::string key_;
};

/// Whether daemons from this version on have something; takes the world's lock.
[[nodiscard]] bool daemon_is_at_least(World& world, const std::string& version);

/// -1, 0 or 1, by the numbers of both.
[[nodiscard]] int compare_versions(const std::string& left, const std::string& right);

}  // namespace standin::daytona
