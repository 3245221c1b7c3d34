%% The BEAM's side of the oracle: one {Number, Family, Scenario} a line in, one "Number Text" a line out.
%%
%% Scenarios run at the same time, each in processes of its own, so that one which waits costs nobody anything.
%% Answers come in any order; the number says whose they are. The end of the input ends the node.
-module(oracle).
-export([main/0]).

-define(PATIENCE, 60000).

main() ->
    logger:set_primary_config(level, none),
    Port = open_port({fd, 0, 1}, [binary, eof, {line, 10000000}]),
    loop(Port).

loop(Port) ->
    receive
        {Port, {data, {eol, Line}}} ->
            {Number, Family, Scenario} = term(Line),
            Main = self(),
            spawn(fun() -> Main ! {answer, Number, answer(Family, Scenario)} end),
            loop(Port);
        {answer, Number, Text} ->
            port_command(Port, [integer_to_list(Number), " ", Text, "\n"]),
            loop(Port);
        {Port, eof} ->
            halt()
    end.

term(Line) ->
    {ok, Tokens, _} = erl_scan:string(binary_to_list(Line)),
    {ok, Term} = erl_parse:parse_term(Tokens),
    Term.

answer(Family, Scenario) ->
    {Pid, Ref} = spawn_monitor(fun() -> exit({answer, Family:run(Scenario)}) end),
    receive
        {'DOWN', Ref, process, Pid, {answer, Phases}} -> lists:join(" | ", Phases);
        {'DOWN', Ref, process, Pid, Reason} -> io_lib:format("the oracle itself failed: ~0p", [Reason])
    after ?PATIENCE ->
        exit(Pid, kill),
        "the oracle itself hangs"
    end.
