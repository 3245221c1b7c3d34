%% Runs supervisor scenarios on a real BEAM: one Erlang term a line in, one line of events out.
%%
%% A scenario is {Strategy, Intensity, [{Id, Restart, Moods}], [Operation]}. Children write what happens to them:
%% a+ started, a! failed to start, a0 ignored, a- ended. test_otp_conformance.py does the same with Regrow.
-module(otp_scenarios).
-behaviour(gen_server).
-export([main/0, start/1, init/1, handle_call/3, handle_cast/2, terminate/2]).

main() ->
    logger:set_primary_config(level, none),
    process_flag(trap_exit, true),
    loop().

loop() ->
    case io:read("") of
        {ok, Scenario} ->
            io:format("~s~n", [lists:join(" | ", run(Scenario))]),
            loop();
        eof ->
            halt()
    end.

run({Strategy, Intensity, Children, Operations}) ->
    ets:new(events, [named_table, public, ordered_set]),
    ets:new(moods, [named_table, public]),
    [ets:insert(moods, {Id, Moods}) || {Id, _, Moods} <- Children],
    Flags = #{strategy => Strategy, intensity => Intensity, period => 3600},
    Specs = [spec(Id, Restart) || {Id, Restart, _} <- Children],
    Lines =
        case supervisor:start_link(?MODULE, {supervisor, Flags, Specs}) of
            {ok, Supervisor} ->
                [settled(Supervisor) | operate(Supervisor, Operations)];
            {error, {shutdown, {failed_to_start_child, Id, _}}} ->
                [[events(), " failed ", atom_to_list(Id)]]
        end,
    ets:delete(events),
    ets:delete(moods),
    Lines.

spec(Id, Restart) -> #{id => Id, start => {?MODULE, start, [Id]}, restart => Restart}.

operate(Supervisor, []) ->
    case is_process_alive(Supervisor) of
        true -> exit(Supervisor, shutdown), [dead(Supervisor)];
        false -> []
    end;
operate(Supervisor, [Operation | Rest]) ->
    case is_process_alive(Supervisor) of
        true ->
            Answer = answer(catch perform(Supervisor, Operation)),
            [[Answer, " ", settled(Supervisor)] | operate(Supervisor, Rest)];
        false -> []
    end.

%% Children stop at the same time: the supervisor looks at its mailbox only when all their exit signals are there.
perform(Supervisor, {stop, Ids, Reason}) ->
    Running = [Pid || {Id, Pid, _, _} <- supervisor:which_children(Supervisor), lists:member(Id, Ids), is_pid(Pid)],
    sys:suspend(Supervisor),
    [begin gen_server:cast(Pid, {stop, Reason}), await_exit(Supervisor, Pid) end || Pid <- lists:sort(Running)],
    sys:resume(Supervisor);
perform(Supervisor, {terminate, Id}) -> supervisor:terminate_child(Supervisor, Id);
perform(Supervisor, {restart, Id}) -> supervisor:restart_child(Supervisor, Id);
perform(Supervisor, {delete, Id}) -> supervisor:delete_child(Supervisor, Id);
perform(Supervisor, {start, Id, Restart}) -> supervisor:start_child(Supervisor, spec(Id, Restart)).

await_exit(Supervisor, Pid) ->
    {messages, Messages} = process_info(Supervisor, messages),
    case [found || {'EXIT', P, _} <- Messages, P =:= Pid] of
        [] -> erlang:yield(), await_exit(Supervisor, Pid);
        _ -> ok
    end.

answer(ok) -> "ok";
answer({ok, Pid}) when is_pid(Pid) -> "pid";
answer({ok, undefined}) -> "none";
answer({error, {already_started, _}}) -> "already_started";
answer({error, Why}) when Why =:= running; Why =:= restarting; Why =:= not_found; Why =:= already_present ->
    atom_to_list(Why);
answer({error, _}) -> "error".

settled(Supervisor) ->
    case catch supervisor:which_children(Supervisor) of
        {'EXIT', _} -> dead(Supervisor);
        Children ->
            case lists:keymember(restarting, 2, Children) of
                true -> settled(Supervisor);
                false -> lists:join(" ", [events() | [state(Child) || Child <- Children]])
            end
    end.

state({Id, undefined, _, _}) -> atom_to_list(Id) ++ "=none";
state({Id, _, _, _}) -> atom_to_list(Id) ++ "=pid".

dead(Supervisor) -> receive {'EXIT', Supervisor, Reason} -> [events(), " dead ", atom_to_list(Reason)] end.

events() ->
    Events = [What || {_, What} <- ets:tab2list(events)],
    ets:delete_all_objects(events),
    ["[", lists:join(" ", Events), "]"].

%% The children.

start(Id) -> gen_server:start_link(?MODULE, {child, Id}, []).

init({supervisor, Flags, Specs}) -> {ok, {Flags, Specs}};
init({child, Id}) ->
    process_flag(trap_exit, true),
    case mood(Id, ets:lookup(moods, Id)) of
        ok -> write(Id, "+"), {ok, Id};
        fail -> write(Id, "!"), {stop, broken};
        ignore -> write(Id, "0"), ignore
    end.

mood(Id, [{Id, [Mood | Rest]}]) -> ets:insert(moods, {Id, Rest}), Mood;
mood(_, _) -> ok.

handle_call(_, _, Id) -> {reply, ok, Id}.
handle_cast({stop, Reason}, Id) -> {stop, Reason, Id}.
terminate(_, Id) -> write(Id, "-").

write(Id, What) -> ets:insert(events, {erlang:unique_integer([monotonic]), atom_to_list(Id) ++ What}).
