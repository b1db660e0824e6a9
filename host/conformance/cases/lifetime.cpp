// Sandboxes whose time is limited. docs/contract.md, features `ttl` and `idle_ttl`.
#include "../cases.hpp"
#include "../context.hpp"

namespace berth::inline host_v1::conformance {

namespace {

/// Skips the case where the backend counts in units too large to wait for.
SandboxInfo short_lived(Context& context, const SandboxConfig& config, Milliseconds asked) {
    auto info = context.create(config);
    context.expect(info.expires_at.has_value(), "expires_at is told");
    context.expect(*info.expires_at >= info.created_at + asked, "it is not over before its time");
    if (*info.expires_at > info.created_at + Milliseconds{60'000}) throw Skipped("its shortest lifetime is too long");
    return info;
}

void is_removed_by_itself(Context& context, const SandboxInfo& info) {
    const SandboxName sandbox{info.provider, info.id};
    wait_until(
        context,
        [&] {
            try {
                (void)context.host().get(sandbox, Context::bounded());
                return false;
            } catch (const Error& error) {
                context.equal(error.code(), Code::not_found, "the code for what has had its time");
                return true;
            }
        },
        "the sandbox is removed when its time is over");
    for (const auto& other : context.host().list(context.provider(), Context::bounded()).sandboxes)
        context.expect(other.id != info.id, "it is not listed");
    context.expect(!context.host().is_ready(sandbox, Context::bounded()), "it is not ready");
}

void lifetime(Context& context) {
    SandboxConfig config;
    config.ttl = Milliseconds{8'000};
    const auto info = short_lived(context, config, *config.ttl);
    const auto result = context.shell({info.provider, info.id}, "exec sleep 3600");
    context.equal(result.status, ProcessStatus::killed, "what ran when the time was over");
    is_removed_by_itself(context, info);
}

void idle_lifetime(Context& context) {
    SandboxConfig config;
    config.idle_ttl = Milliseconds{3'000};
    const auto info = short_lived(context, config, *config.idle_ttl);
    context.equal(context.shell({info.provider, info.id}, "sleep 4; exit 7").exit_code, 7, "what is in use stays");
    is_removed_by_itself(context, info);
}

}  // namespace

std::vector<Case> lifetime_cases() {
    return {
        {"lifetime", "a sandbox whose ttl is over is gone, whatever ran", lifetime, {"ttl"}},
        {"lifetime", "a sandbox nobody uses is gone, one in use is not", idle_lifetime, {"idle_ttl"}},
    };
}

}  // namespace berth::inline host_v1::conformance
