// The stand-in for Vercel Sandbox as the HTTP server sees it: every request is admitted and goes to its endpoint.
#pragma once

#include <deque>

#include "authorization.hpp"
#include "exchange.hpp"
#include "world.hpp"

namespace standin::vercel {

class VercelService : public Service {
public:
    VercelService(World& world, Clock& clock, Credentials credentials)
        : world_(world), clock_(clock), credentials_(std::move(credentials)) {}

    Answer answer(const Request& request) override;
    Answer refused(const Refusal& refusal) const override;
    void stop_under(const Request& request) override;
    std::string error_line(const std::string& code, const std::string& message) const override;
    Answer control(const Request& request) override;

private:
    void admit(const Request& request);
    void count_against_limit();

    World& world_;
    Clock& clock_;
    Credentials credentials_;
    std::deque<Milliseconds> recent_;  ///< guarded by the world's mutex
};

}  // namespace standin::vercel
