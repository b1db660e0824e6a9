// load_plugin FILE: loads a plugin as a host does, and lets it run one process under the fake host.
#include <dlfcn.h>

#include <berth/testing.hpp>
#include <cstdio>

namespace {

int use(const berth_plugin& plugin) {
    berth::testing::FakeHost host;
    berth::testing::Instance instance{host, &plugin};
    const auto made = instance.create();
    const auto run = instance.execute(made->id, {"echo", {"it", "works"}});
    const auto unknown = instance.get("other");
    if (!instance.destroy(made->id).ok() || run.out != "it works\n" || run.end->exit_code != 0) return 1;
    if (!unknown.error || unknown.error->code() != berth::Code::not_found) return 1;
    std::puts("loads and runs");
    return 0;
}

}  // namespace

int main(int count, char** arguments) {
    if (count != 2) return 2;
    void* library = dlopen(arguments[1], RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) {
        std::fprintf(stderr, "%s\n", dlerror());
        return 1;
    }
    const auto entry = reinterpret_cast<berth_entry>(dlsym(library, BERTH_ENTRY_SYMBOL));
    return entry == nullptr ? 1 : use(*entry(BERTH_CONTRACT_MINOR));
}
