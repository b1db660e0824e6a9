// The control plane as its HTTP server sees it: every request is admitted and goes to its endpoint.
#pragma once

#include "exchange.hpp"
#include "world.hpp"

namespace standin::daytona {

class ControlPlane : public Service {
public:
    ControlPlane(World& world, Clock& clock, std::string key) : world_(world), clock_(clock), key_(std::move(key)) {}

    Answer answer(const Request& request) override;
    Answer refused(const Refusal& refusal) const override;
    void stop_under(const Request& request) override;
    std::string error_line(const std::string& code, const std::string& message) const override;
    Answer control(const Request& request) override;

private:
    [[nodiscard]] Answer found(const Request& request);

    World& world_;
    Clock& clock_;
    std::string key_;
};

/// The dashboard's page, which is what a GET beside the API gets.
[[nodiscard]] Answer dashboard();

}  // namespace standin::daytona
