#include "world.hpp"

#include <algorithm>
#include <random>

namespace standin::daytona {

namespace {

/// Daytona Cloud's ready ones.
std::map<std::string, Snapshot> general_snapshots(Milliseconds now) {
    std::map<std::string, Snapshot> all;
    const auto add = [&](const std::string& name, std::int64_t cpu, std::int64_t memory, std::int64_t disk) {
        Snapshot snapshot;
        snapshot.id = World::new_id();
        snapshot.name = name;
        snapshot.general = true;
        snapshot.cpu = cpu;
        snapshot.memory = memory;
        snapshot.disk_size = disk;
        snapshot.created_at = snapshot.updated_at = now;
        all[snapshot.id] = snapshot;
    };
    add("daytona-small", 1, 1, 3);
    add("daytona-medium", 2, 4, 8);
    add("daytona-large", 4, 8, 10);
    return all;
}

}  // namespace

World::World(Clock& clock, std::filesystem::path directory)
    : snapshots(general_snapshots(clock.now())), clock_(clock), directory_(std::move(directory)) {
    time_keeper_ = std::thread([this] { keep_time(); });
}

World::~World() {
    end();
    time_keeper_.join();
    threads_.join();
    for (const auto& [id, sandbox] : sandboxes) {
        if (!sandbox->disk.empty()) remove_tree(sandbox->disk);
    }
    for (const auto& [id, snapshot] : snapshots) {
        if (!snapshot.disk.empty()) remove_tree(snapshot.disk);
    }
    for (const auto& [name, log] : shared_logs) {
        remove_tree(log);
    }
}

void World::end() {
    std::vector<std::shared_ptr<Machine>> machines;
    {
        const std::lock_guard lock(mutex);
        ending_ = true;
        for (const auto& [id, sandbox] : sandboxes) {
            if (sandbox->machine) machines.push_back(sandbox->machine);
        }
    }
    changed.notify_all();
    for (const auto& machine : machines) {
        machine->stop();
    }
}

std::string World::new_id() {
    static constexpr std::string_view digits = "0123456789abcdef";
    static constexpr std::string_view shape = "xxxxxxxx-xxxx-4xxx-8xxx-xxxxxxxxxxxx";
    thread_local std::mt19937_64 numbers{std::random_device{}()};
    std::uniform_int_distribution<std::size_t> choose(0, digits.size() - 1);
    std::string id(shape);
    for (auto& letter : id) {
        if (letter == 'x') letter = digits[choose(numbers)];
    }
    return id;
}

std::shared_ptr<Sandbox> World::sandbox(const std::string& id_or_name) {
    for (const auto& [id, sandbox] : sandboxes) {
        if (id == id_or_name || sandbox->name == id_or_name) return sandbox;
    }
    throw Refusal(404, "", "Sandbox with ID or name " + id_or_name + " not found");
}

Snapshot* World::find_snapshot(const std::string& id_or_name) {
    for (auto& [id, snapshot] : snapshots) {
        if (id == id_or_name || snapshot.name == id_or_name) return &snapshot;
    }
    return nullptr;
}

Snapshot& World::snapshot(const std::string& id_or_name) {
    auto* found = find_snapshot(id_or_name);
    if (found == nullptr) throw Refusal(404, "", "Snapshot with ID or name " + id_or_name + " not found");
    return *found;
}

}  // namespace standin::daytona
