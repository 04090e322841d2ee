. "$LDMAT_CONSUMERS/no_leaks.sh"
