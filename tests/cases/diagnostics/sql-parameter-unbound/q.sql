SELECT {{day}}
