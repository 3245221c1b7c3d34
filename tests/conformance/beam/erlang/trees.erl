%% Supervision trees and their misfortunes. trees.py does the same with Regrow.
%%
%% A scenario is {Root, [Operation], End}. A phase of the answer is "answer; events; deaths; tree".
-module(trees).
-behaviour(gen_server).
-export([run/1, start/2, start_dynamic/3, init/1, handle_call/3, handle_cast/2, handle_info/2, terminate/2]).

-define(SLOW, 500).

run({Root, Operations, End}) ->
    process_flag(trap_exit, true),
    Chronicle = chronicle:start(moods(Root)),
    Time = start_time(Operations),
    case start(Chronicle, Root) of
        {ok, Pid} ->
            Context = {Chronicle, Pid, Time},
            [phase("ok", Context) | operate(Context, Operations, End)];
        {error, Reason} ->
            none_left(Chronicle),
            [[reasons:text(Reason), "; ", chronicle:phase(Chronicle), "; gone"]]
    end.

operate(Context = {_, Root, _}, Operations, End) ->
    case {is_process_alive(Root), Operations} of
        {false, _} ->
            [];
        {true, []} ->
            exit(Root, End),
            [["end; ", gone(Context)]];
        {true, [Operation | Rest]} ->
            {Answer, Next} = perform(Operation, Context),
            Phase = phase(Answer, Next),
            [[punctuality(Next), Phase] | operate(Next, Rest, End)]
    end.

%% Operations.

perform({pause, Milliseconds}, {Chronicle, Root, Time}) ->
    Then = Time + Milliseconds,
    sleep_until(Then),
    {"ok", {Chronicle, Root, Then}};
perform(Operation, Context) ->
    Answer =
        try act(Operation, Context)
        catch
            throw:absent -> "absent";
            exit:{Reason, {gen_server, call, _}} -> reasons:text(Reason)
        end,
    {Answer, Context}.

act({cast, Id, How}, Context) ->
    Pid = find(Id, Context),
    Ref = monitor(process, Pid),
    gen_server:cast(Pid, How),
    receive {'DOWN', Ref, process, Pid, _} -> "ok" end;
act({exit, Id, Reason}, Context) ->
    Pid = find(Id, Context),
    exit(Pid, Reason),
    catch sys:get_status(Pid, infinity),
    "ok";
%% Children end at the same time: their supervisor looks at its mailbox only when all their exit signals are there.
act({together, SupId, Ends}, Context) ->
    Supervisor = find(SupId, Context),
    Pids = [{catch find(Id, Context), How} || {Id, How} <- Ends],
    sys:suspend(Supervisor),
    [finish(Supervisor, Pid, How) || {Pid, How} <- Pids, is_pid(Pid)],
    sys:resume(Supervisor),
    "ok";
%% A request that is in the mailbox right behind the exit signal of a child.
act({behind, SupId, Id, Request}, Context = {Chronicle, _, _}) ->
    Supervisor = find(SupId, Context),
    Pid = find(Id, Context),
    sys:suspend(Supervisor),
    finish(Supervisor, Pid, kill),
    Runner = self(),
    Ref = make_ref(),
    spawn(fun() -> Runner ! {Ref, catch request(Supervisor, Request, Chronicle)} end),
    queued(Supervisor, fun({'$gen_call', _, _}) -> true; (_) -> false end),
    sys:resume(Supervisor),
    receive {Ref, Answer} -> answer(Answer) end;
act({request, SupId, Request}, Context = {Chronicle, _, _}) ->
    answer(request(find(SupId, Context), Request, Chronicle));
act({add, DynamicId, Id, Moods}, Context = {Chronicle, _, _}) ->
    Supervisor = find(DynamicId, Context),
    chronicle:moods(Chronicle, #{Id => Moods}),
    answer(supervisor:start_child(Supervisor, [Id]));
act({remove, DynamicId, Id}, Context) ->
    answer(supervisor:terminate_child(find(DynamicId, Context), find(Id, Context))).

finish(Supervisor, Pid, kill) -> exit(Pid, kill), ended(Supervisor, Pid);
finish(Supervisor, Pid, How) -> gen_server:cast(Pid, How), ended(Supervisor, Pid).

ended(Supervisor, Pid) -> queued(Supervisor, fun({'EXIT', P, _}) -> P =:= Pid; (_) -> false end).

queued(Supervisor, Wanted) ->
    {messages, Messages} = process_info(Supervisor, messages),
    case lists:any(Wanted, Messages) of
        true -> ok;
        false -> nap(), queued(Supervisor, Wanted)
    end.

request(Supervisor, {terminate, Id}, _) -> supervisor:terminate_child(Supervisor, Id);
request(Supervisor, {restart, Id}, _) -> supervisor:restart_child(Supervisor, Id);
request(Supervisor, {delete, Id}, _) -> supervisor:delete_child(Supervisor, Id);
request(Supervisor, which, _) -> {which, supervisor:which_children(Supervisor)};
request(Supervisor, {start, Child}, Chronicle) ->
    chronicle:moods(Chronicle, moods(Child)),
    supervisor:start_child(Supervisor, spec(Chronicle, Child)).

answer(ok) -> "ok";
answer({ok, undefined}) -> "none";
answer({ok, _}) -> "pid";
answer({error, {already_started, _}}) -> "already_started";
answer({error, Why}) when Why =:= running; Why =:= restarting; Why =:= not_found; Why =:= already_present ->
    atom_to_list(Why);
answer({error, {Reason, Child}}) when element(1, Child) =:= child -> ["error ", reasons:text(Reason)];
answer({error, Reason}) -> ["error ", reasons:text(Reason)];
answer({which, Children}) -> lists:join(",", [[atom_to_list(Id), "=", state(Pid)] || {Id, Pid, _, _} <- Children]);
answer({'EXIT', {Reason, {gen_server, call, _}}}) -> reasons:text(Reason).

state(Pid) when is_pid(Pid) -> "pid";
state(Other) -> atom_to_list(Other).

%% What has become of the tree, once nothing in it moves any more.

phase(Answer, Context) -> [Answer, "; ", settled(Context)].

settled(Context = {Chronicle, Root, _}) ->
    try still(Chronicle, Root) of
        Text -> [chronicle:phase(Chronicle), "; ", Text]
    catch
        Class:_ when Class =:= exit; Class =:= throw ->
            case is_process_alive(Root) of
                true -> nap(), settled(Context);
                false -> gone(Context)
            end
    end.

still(Chronicle, Root) ->
    {Text, Pids} = walk(Chronicle, Root),
    lists:sort(Pids) =:= lists:sort(chronicle:alive(Chronicle)) orelse throw(unsettled),
    Text.

gone({Chronicle, Root, _}) ->
    receive {'EXIT', Root, Reason} -> ok end,
    none_left(Chronicle),
    [chronicle:phase(Chronicle), "; gone ", reasons:text(Reason)].

none_left(Chronicle) -> chronicle:alive(Chronicle) =:= [] orelse begin nap(), none_left(Chronicle) end.

walk(Chronicle, Supervisor) ->
    Children = supervisor:which_children(Supervisor),
    {Texts, Pids} = lists:unzip([branch(Chronicle, Child) || Child <- Children]),
    Counts = supervisor:count_children(Supervisor),
    Ordered = case Children of [{undefined, _, _, _} | _] -> lists:sort(Texts); _ -> Texts end,
    Text = [
        alive_name(Chronicle, Supervisor), "{", lists:join(" ", Ordered), "}",
        lists:join(",", [integer_to_list(proplists:get_value(K, Counts)) || K <- [specs, active, supervisors, workers]])
    ],
    {lists:flatten(Text), [Supervisor | lists:append(Pids)]}.

branch(_, {_, restarting, _, _}) -> throw(unsettled);
branch(_, {Id, undefined, _, _}) -> {atom_to_list(Id) ++ "=none", []};
branch(Chronicle, {_, Pid, supervisor, _}) -> alive_name(Chronicle, Pid), walk(Chronicle, Pid);
branch(Chronicle, {_, Pid, worker, _}) -> {alive_name(Chronicle, Pid), [Pid]}.

alive_name(Chronicle, Pid) ->
    case is_process_alive(Pid) andalso chronicle:name(Chronicle, Pid) of
        Name when is_list(Name) -> Name;
        _ -> throw(unsettled)
    end.

%% The living process that was started as Id.
find(Id, {Chronicle, _, _}) ->
    Prefix = atom_to_list(Id),
    Is = fun(Pid) -> string:trim(chronicle:name(Chronicle, Pid), trailing, "0123456789") =:= Prefix end,
    case lists:filter(Is, chronicle:alive(Chronicle)) of
        [Pid] -> Pid;
        _ -> throw(absent)
    end.

%% With pauses the scenario begins 300 ms after a whole second, so that it is known in which second each of them ends:
%% restart windows are made of whole seconds. A phase that took too long for that says so; its scenario proves nothing.

start_time(Operations) ->
    case lists:keymember(pause, 1, Operations) of
        false ->
            never;
        true ->
            Now = now_ms(),
            Start = Now - (Now rem 1000 + 1000) rem 1000 + 1300,
            sleep_until(Start),
            Start
    end.

punctuality({_, _, never}) -> "";
punctuality({_, _, Time}) ->
    case now_ms() - Time < 180 of
        true -> "";
        false -> "late "
    end.

sleep_until(Then) -> receive after max(0, Then - now_ms()) -> ok end.

now_ms() -> erlang:monotonic_time(millisecond).

nap() -> receive after 1 -> ok end.

%% The tree.

moods(Child) -> maps:from_list(lists:flatten(moods_of(Child))).

moods_of({worker, Id, _, _, _, _, Moods}) -> [{Id, Moods}];
moods_of({supervisor, _, _, _, _, _, Children}) -> [moods_of(Child) || Child <- Children];
moods_of({dynamic, _, _, _, _, _, _}) -> [].

spec(Chronicle, Child) ->
    #{
        id => element(2, Child),
        start => {?MODULE, start, [Chronicle, Child]},
        restart => element(3, Child),
        shutdown => element(4, Child),
        significant => element(5, Child),
        type => case element(1, Child) of worker -> worker; _ -> supervisor end
    }.

start(Chronicle, Worker = {worker, Id, _, _, _, _, _}) -> gen_server:start_link(?MODULE, {Chronicle, Id, Worker}, []);
start(Chronicle, Child) ->
    Id = element(2, Child),
    Outcome = supervisor:start_link(?MODULE, {Chronicle, Child}),
    case Outcome of
        {ok, Pid} -> chronicle:enter(Chronicle, Id, Pid), Outcome;
        _ -> Outcome
    end.

start_dynamic(Chronicle, Template, Id) -> gen_server:start_link(?MODULE, {Chronicle, Id, Template}, []).

init({Chronicle, {supervisor, _, _, _, _, {Strategy, Intensity, Period, AutoShutdown}, Children}}) ->
    Flags = #{strategy => Strategy, intensity => Intensity, period => Period, auto_shutdown => AutoShutdown},
    {ok, {Flags, [spec(Chronicle, Child) || Child <- Children]}};
init({Chronicle, {dynamic, _, _, _, _, {Intensity, Period}, Template}}) ->
    Spec = spec(Chronicle, Template),
    Flags = #{strategy => simple_one_for_one, intensity => Intensity, period => Period},
    {ok, {Flags, [Spec#{start := {?MODULE, start_dynamic, [Chronicle, Template]}}]}};
init({Chronicle, Id, {worker, _, _, _, _, {Trap, Ending}, _}}) ->
    process_flag(trap_exit, Trap),
    {Name, Mood} = chronicle:enter(Chronicle, Id),
    chronicle:write(Chronicle, [Name, "+", atom_to_list(Mood)]),
    case Mood of
        ok -> {ok, {Chronicle, Name, Ending}};
        stop -> {stop, broken};
        raise -> error(badarith);
        exit -> exit(shutdown);
        ignore -> ignore
    end.

handle_call(_, _, State) -> {reply, ok, State}.

handle_cast({stop, Reason}, State) -> {stop, Reason, State};
handle_cast(raise, _) -> error(badarith);
handle_cast(bad_return, _) -> garbage.

handle_info({'EXIT', _, Reason}, State = {Chronicle, Name, _}) ->
    chronicle:write(Chronicle, [Name, "?", reasons:text(Reason)]),
    {noreply, State}.

terminate(Reason, {Chronicle, Name, Ending}) ->
    chronicle:write(Chronicle, [Name, "-", reasons:text(Reason)]),
    case Ending of
        ok -> ok;
        slow -> receive after ?SLOW -> ok end;
        raise -> error(badarith);
        exit -> exit(odd)
    end.
